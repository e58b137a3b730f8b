// Who accessed which memory last. The shadow of an allocation is a table of pages, made when they
// are first touched; a page has one cell for every granule of its 4096 bytes. A granule is as wide
// as the narrowest access to its page so far (16 bytes to begin with), so that an access covers
// whole cells.
#pragma once

#include "optimized/simt/emulator/sanitizer/reader_sets.hpp"
#include "optimized/simt/emulator/sanitizer/stamp.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

// What is known of a granule. Accesses that happened before everything that may still come are
// forgotten; what remains is enough to find every race of a later access (race.cpp).
struct cell {
  stamp write = 0;  // the last plain write, and whether there ever was one (k_initialised)
  // Reads and atomics since then, by threads of earlier blocks of this launch, and of this block:
  // one stamp, or, in EARLIER and in READERS[1], a set of them (reader_sets::is_set).
  stamp earlier = 0;
  stamp readers[2] = {0, 0};
};

class shadow {
 public:
  static constexpr std::size_t k_page_bytes = 4096;

  shadow(std::size_t bytes, reader_sets& sets);
  ~shadow();
  shadow(const shadow&) = delete;
  shadow& operator=(const shadow&) = delete;

  // The cells of BYTES at OFFSET, which lie in one piece of memory of 16 bytes that is aligned to
  // as many, and begin at a multiple of the largest power of two that divides BYTES.
  struct range {
    cell* first;
    unsigned count;
  };
  range cells(std::size_t offset, unsigned bytes) {
    page* p = pages_[offset / k_page_bytes];
    const unsigned widest = bytes & (0u - bytes);
    if (p == nullptr || (1u << p->shift) > widest) p = &refined(offset, widest);
    return {p->cells + (offset % k_page_bytes >> p->shift), bytes >> p->shift};
  }

  void mark_initialised(std::size_t offset, std::size_t bytes) { mark(offset, bytes, true); }
  void mark_uninitialised(std::size_t offset, std::size_t bytes) { mark(offset, bytes, false); }
  // BYTES at OFFSET become initialised where those at FROM of SOURCE are, and uninitialised
  // elsewhere.
  void copy_initialised(std::size_t offset, const shadow& source, std::size_t from,
                        std::size_t bytes);
  // Forgets all accesses; what is initialised stays so. For when the clock starts again.
  void forget_accesses();

 private:
  struct page {
    unsigned shift;  // log2 of the granule
    unsigned count;
    cell cells[1];  // COUNT of them
  };
  // [first, last) that is initialised without its pages saying so.
  struct interval {
    std::size_t first, last;
  };

  page& refined(std::size_t offset, unsigned bytes);
  static page* make_page(unsigned shift);
  void discard(page* p);
  void split(page*& p, unsigned shift);
  void mark(std::size_t offset, std::size_t bytes, bool initialised);
  void mark_page(std::size_t number, std::size_t first, std::size_t last, bool initialised);
  std::vector<interval> initialised_within(interval range) const;
  void note(interval added);
  void strike(interval removed);

  std::size_t bytes_;
  std::size_t page_count_;
  page** pages_;  // mapped, so that the table of a huge allocation costs what is touched of it
  std::vector<interval> initialised_;  // sorted, disjoint
  reader_sets& sets_;
};

}  // namespace assay::simt::inline ASSAY_BUILD
