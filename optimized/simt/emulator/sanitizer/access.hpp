// The accesses of kernels, as checked pointers make them.
#pragma once

#include "optimized/simt/build.cuh"

#include <cstddef>
#include <source_location>

namespace assay::simt::inline ASSAY_BUILD {

struct allocation;

// The bounds of an accessor: a part of an allocation. Freeing the allocation makes it empty.
struct extent {
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
  allocation* owner = nullptr;
};
inline constexpr extent k_no_extent{};

// Each checks, records and counts one access of BYTES (1 to 16) at ADDRESS, and returns the address
// that the caller may then use in its place: the same one, or, where the access is out of bounds,
// one that reads as poison and swallows writes.
const void* checked_read(const void* address, const extent* bounds, unsigned bytes,
                         std::source_location where);
void* checked_write(void* address, const extent* bounds, unsigned bytes,
                    std::source_location where);
// IS_EXCHANGE: the old value does not go into the new one.
void* checked_atomic(void* address, const extent* bounds, unsigned bytes, bool is_exchange,
                     std::source_location where);

// The bounds of BYTES from BEGIN on, which lie in one allocation of the sanitized emulator; throws
// error if they do not.
const extent* find_extent(const void* begin, std::size_t bytes);

}  // namespace assay::simt::inline ASSAY_BUILD
