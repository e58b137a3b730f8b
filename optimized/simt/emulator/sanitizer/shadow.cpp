#include "optimized/simt/emulator/sanitizer/shadow.hpp"

#include <sys/mman.h>
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

constexpr std::size_t k_widest = 16;  // bytes of an access

unsigned log2_of(unsigned bytes) { return static_cast<unsigned>(std::countr_zero(bytes)); }

}  // namespace

shadow::shadow(std::size_t bytes, reader_sets& sets)
    : bytes_(bytes), page_count_((bytes + k_page_bytes - 1) / k_page_bytes), sets_(sets) {
  void* table = mmap(nullptr, std::max<std::size_t>(1, page_count_) * sizeof(page*),
                     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (table == MAP_FAILED) throw std::bad_alloc();
  pages_ = static_cast<page**>(table);
}

shadow::~shadow() {
  for (std::size_t i = 0; i < page_count_; ++i) discard(pages_[i]);
  munmap(pages_, std::max<std::size_t>(1, page_count_) * sizeof(page*));
}

shadow::page* shadow::make_page(unsigned shift) {
  const std::size_t count = k_page_bytes >> shift;
  auto* p = static_cast<page*>(std::calloc(1, sizeof(page) + (count - 1) * sizeof(cell)));
  if (p == nullptr) throw std::bad_alloc();
  p->shift = shift;
  p->count = static_cast<unsigned>(count);
  return p;
}

void shadow::discard(page* p) {
  if (p == nullptr) return;
  for (unsigned i = 0; i < p->count; ++i) {
    sets_.drop(p->cells[i].earlier);
    sets_.drop(p->cells[i].readers[1]);
  }
  std::free(p);
}

// P's cells divided into cells of 2^SHIFT bytes.
void shadow::split(page*& p, unsigned shift) {
  page* finer = make_page(shift);
  const unsigned parts = 1u << (p->shift - shift);
  for (unsigned i = 0; i < finer->count; ++i) {
    cell& part = finer->cells[i] = p->cells[i / parts];
    part.earlier = sets_.copy(part.earlier);
    part.readers[1] = sets_.copy(part.readers[1]);
  }
  discard(p);
  p = finer;
}

shadow::page& shadow::refined(std::size_t offset, unsigned bytes) {
  const std::size_t number = offset / k_page_bytes;
  page*& p = pages_[number];
  if (p == nullptr) {
    p = make_page(log2_of(bytes));
    const std::size_t begin = number * k_page_bytes;
    for (const interval& known : initialised_) {
      const std::size_t first = std::max(known.first, begin);
      const std::size_t last = std::min(known.last, begin + k_page_bytes);
      if (first < last) mark_page(number, first, last, true);
    }
  } else if (p->shift > log2_of(bytes)) {
    split(p, log2_of(bytes));
  }
  return *pages_[number];
}

void shadow::mark_page(std::size_t number, std::size_t first, std::size_t last, bool initialised) {
  page*& p = pages_[number];
  if (p == nullptr) return;
  const std::size_t begin = number * k_page_bytes;
  // What ends where the allocation ends needs no finer granules for that.
  const std::size_t ends = (first - begin) | (last == bytes_ ? 0 : last - begin) | k_widest;
  const auto alignment = static_cast<unsigned>(std::countr_zero(ends));
  if (alignment < p->shift) split(p, alignment);
  const std::size_t granule = std::size_t{1} << p->shift;
  for (std::size_t i = (first - begin) >> p->shift; i < (last - begin + granule - 1) >> p->shift;
       ++i) {
    stamp& write = p->cells[i].write;
    write = initialised ? write | k_initialised : write & ~k_initialised;
  }
}

void shadow::mark(std::size_t offset, std::size_t bytes, bool initialised) {
  if (bytes == 0) return;
  const interval range{offset, offset + bytes};
  if (initialised) {
    note(range);
  } else {
    strike(range);
  }
  for (std::size_t number = range.first / k_page_bytes; number * k_page_bytes < range.last;
       ++number) {
    const std::size_t begin = number * k_page_bytes;
    mark_page(number, std::max(range.first, begin), std::min(range.last, begin + k_page_bytes),
              initialised);
  }
}

// In ascending order.
std::vector<shadow::interval> shadow::initialised_within(interval range) const {
  std::vector<interval> found;
  const auto add = [&](std::size_t first, std::size_t last) {
    first = std::max(first, range.first);
    last = std::min(last, range.last);
    if (first >= last) return;
    if (!found.empty() && found.back().last == first) {
      found.back().last = last;
    } else {
      found.push_back({first, last});
    }
  };
  for (std::size_t number = range.first / k_page_bytes; number * k_page_bytes < range.last;
       ++number) {
    const std::size_t begin = number * k_page_bytes;
    const page* p = pages_[number];
    if (p == nullptr) {
      for (const interval& known : initialised_) {
        add(std::max(known.first, begin), std::min(known.last, begin + k_page_bytes));
      }
      continue;
    }
    for (std::size_t i = 0; i < p->count; ++i) {
      if ((p->cells[i].write & k_initialised) == 0) continue;
      add(begin + (i << p->shift), begin + ((i + 1) << p->shift));
    }
  }
  return found;
}

void shadow::copy_initialised(std::size_t offset, const shadow& source, std::size_t from,
                              std::size_t bytes) {
  const auto known = source.initialised_within({from, from + bytes});
  mark_uninitialised(offset, bytes);
  for (const interval& i : known) mark_initialised(offset + i.first - from, i.last - i.first);
}

void shadow::strike(interval removed) {
  std::vector<interval> kept;
  for (const interval& known : initialised_) {
    if (known.first < removed.first)
      kept.push_back({known.first, std::min(known.last, removed.first)});
    if (known.last > removed.last)
      kept.push_back({std::max(known.first, removed.last), known.last});
  }
  initialised_ = std::move(kept);
}

void shadow::note(interval added) {
  std::vector<interval> kept;
  for (const interval& known : initialised_) {
    if (known.last < added.first || known.first > added.last) {
      kept.push_back(known);
    } else {
      added = {std::min(added.first, known.first), std::max(added.last, known.last)};
    }
  }
  kept.insert(
      std::lower_bound(kept.begin(), kept.end(), added,
                       [](const interval& a, const interval& b) { return a.first < b.first; }),
      added);
  initialised_ = std::move(kept);
}

void shadow::forget_accesses() {
  for (std::size_t number = 0; number < page_count_; ++number) {
    page* p = pages_[number];
    if (p == nullptr) continue;
    for (unsigned i = 0; i < p->count; ++i) {
      cell& c = p->cells[i];
      sets_.drop(c.earlier);
      sets_.drop(c.readers[1]);
      c = {c.write & k_initialised, 0, {0, 0}};
    }
  }
}

}  // namespace assay::simt::inline ASSAY_BUILD
