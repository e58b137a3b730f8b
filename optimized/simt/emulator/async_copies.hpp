// The cp.async copies of one thread, which land at the wait that covers them and no earlier.
#pragma once

#include "optimized/simt/build.cuh"

#include <cstdint>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

struct extent;

struct async_copy {
  void* to = nullptr;
  const void* from = nullptr;
  std::uint8_t bytes = 0;  // 4, 8 or 16
  std::uint8_t valid = 0;  // so many are copied; the rest becomes zero
  std::uint32_t group = 0;
  const extent* to_extent = nullptr;  // the sanitized build's bounds
  const extent* from_extent = nullptr;
  std::uint32_t site = 0;  // and the place in the source
};

struct async_copies {
  std::vector<async_copy> pending;  // oldest first
  std::uint32_t open_group = 0;     // the number of the group that the next commit closes

  void reset() {
    pending.clear();
    open_group = 0;
  }
};

}  // namespace assay::simt::inline ASSAY_BUILD
