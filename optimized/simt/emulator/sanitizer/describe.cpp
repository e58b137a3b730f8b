#include "optimized/simt/emulator/sanitizer/describe.hpp"

#include "optimized/simt/emulator/text.hpp"

namespace assay::simt::inline ASSAY_BUILD {

std::string describe_thread(const block& b, unsigned rank) {
  const dim3 size = b.size;
  return text_of(uint3{rank % size.x, rank / size.x % size.y, rank / (size.x * size.y)});
}

std::string describe_place(const sanitizer& all, const extent& bounds, const std::byte* address) {
  if (bounds.owner == nullptr)
    return fmt::format("{} of no memory", static_cast<const void*>(address));
  // Empty bounds are those of a row that is not there.
  const bool is_row = bounds.begin != bounds.end;
  return fmt::format(
      "offset {} of {} ({} bytes)", address - bounds.begin, all.allocations.name_of(&bounds),
      is_row ? static_cast<std::size_t>(bounds.end - bounds.begin) : bounds.owner->bytes);
}

std::string describe_out_of_bounds(const sanitizer& all, const char* verb, const extent& bounds,
                                   const std::byte* address, unsigned bytes) {
  if (all.allocations.is_freed(&bounds)) {
    return fmt::format("{} of {} bytes in {}, which has been freed", verb, bytes,
                       all.allocations.name_of(&bounds));
  }
  if (bounds.owner == nullptr && address == nullptr) {
    return fmt::format("{} of {} bytes through a null pointer", verb, bytes);
  }
  return fmt::format("{} of {} bytes at {}, out of bounds", verb, bytes,
                     describe_place(all, bounds, address));
}

std::string describe_conflict(const sanitizer& all, const block& b, conflict found) {
  const char* what = found.is_write                              ? "write"
                     : is_atomic(found.with)                     ? "atomic"
                     : class_of(found.with) == class_of(k_async) ? "cp.async from there"
                                                                 : "read";
  if (clock_of(found.with) >= b.observed.start) {
    return fmt::format("the {} by thread {}", what, describe_thread(b, rank_of(found.with)));
  }
  // Blocks run in the order of their numbers, this one last so far.
  const std::uint64_t number = b.number - all.order.blocks_since(found.with);
  const std::uint64_t along_x = b.grid.x;
  const uint3 other{static_cast<unsigned>(number % along_x),
                    static_cast<unsigned>(number / along_x % b.grid.y),
                    static_cast<unsigned>(number / along_x / b.grid.y)};
  return fmt::format("the {} by thread {} of block {}", what,
                     describe_thread(b, rank_of(found.with)), text_of(other));
}

}  // namespace assay::simt::inline ASSAY_BUILD
