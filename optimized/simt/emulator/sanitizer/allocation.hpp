// What the sanitized build knows of memory: allocations on the device, and shared arrays.
#pragma once

#include "optimized/simt/emulator/sanitizer/access.hpp"
#include "optimized/simt/emulator/sanitizer/checked_pointer.hpp"
#include "optimized/simt/emulator/sanitizer/shadow.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

struct allocation {
  allocation(space in, std::byte* begin, std::size_t size, std::string its_name,
             std::uint32_t its_number, reader_sets& sets)
      : where(in),
        base(begin),
        bytes(size),
        name(std::move(its_name)),
        number(its_number),
        cells(size, sets) {}

  space where;
  std::byte* base;
  std::size_t bytes;
  std::string name;
  std::uint32_t number;  // tells it from all others
  shadow cells;
};

// Global memory.
class allocation_table {
 public:
  explicit allocation_table(reader_sets& sets) : sets_(sets) {}

  void add(std::byte* begin, std::size_t bytes, const std::string& name);
  void remove(std::byte* begin);
  // The bounds of a range, made when they are first asked for; throws error.
  const extent* find(const std::byte* begin, std::size_t bytes);
  void name(std::byte* begin, std::size_t bytes, const std::string& name);
  // The name of the memory that bounds are of, freed memory included; "no memory" for none.
  std::string name_of(const extent* bounds) const;
  bool is_freed(const extent* bounds) const;
  // Null when BEGIN is nowhere.
  allocation* find_allocation(const std::byte* begin);
  void forget_accesses();
  std::uint32_t next_number() { return next_number_++; }

 private:
  struct part {  // bounds, and what they are called
    extent bounds;
    std::string name;
  };
  struct entry {
    std::unique_ptr<allocation> memory;
    std::deque<part> parts;
  };
  part& part_of(entry& e, std::byte* begin, std::size_t bytes);
  entry* find_entry(const std::byte* begin);

  reader_sets& sets_;
  std::map<const std::byte*, entry> entries_;
  // Kernels may still hold pointers to what was freed: its bounds live on for a while, empty.
  std::deque<std::deque<part>> freed_;
  std::uint32_t next_number_ = 1;
};

}  // namespace assay::simt::inline ASSAY_BUILD
