// What one memory instruction of a warp costs: bytes and 32-byte sectors of global memory, passes
// through the banks of shared memory.
#pragma once

#include "optimized/simt/build.cuh"
#include "optimized/simt/counters.hpp"

#include <array>
#include <cstdint>

namespace assay::simt::inline ASSAY_BUILD {

enum class access_class : std::uint8_t {
  global_load,
  global_store,
  global_atomic,
  shared_access,
  shared_atomic
};

// The lanes' addresses, relative to the allocation, whose start is aligned to 128 bytes.
struct warp_addresses {
  std::uint32_t lanes = 0;
  unsigned bytes = 0;  // of each access
  // Address of lane l: FIRST + STRIDE (l - FIRST_LANE), or EACH[l].
  unsigned first_lane = 0;
  std::int64_t first = 0;
  std::int64_t stride = 0;
  const std::array<std::int64_t, 32>* each = nullptr;
  // The bytes of each access, where not all are BYTES: copies that end earlier.
  const std::array<std::uint8_t, 32>* ragged = nullptr;

  unsigned bytes_of(unsigned lane) const { return ragged != nullptr ? (*ragged)[lane] : bytes; }
  std::int64_t of(unsigned lane) const {
    return each != nullptr ? (*each)[lane]
                           : first + stride * (static_cast<std::int64_t>(lane) - first_lane);
  }
};

void count_instruction(counters& total, access_class what, const warp_addresses& where);

}  // namespace assay::simt::inline ASSAY_BUILD
