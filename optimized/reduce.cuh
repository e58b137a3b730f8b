// Sums over a warp and over a block, in a fixed order: halves added to halves.
#pragma once

#include "optimized/simt/simt.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// The sum of `value` over the 32 lanes, the same in every lane: at each step a lane adds the value
// of its partner, 16, 8, 4, 2 and 1 lanes away. All lanes must call it.
SIMT_DEVICE float warp_sum(float value) {
  for (int away = 16; away > 0; away /= 2) value += __shfl_xor_sync(0xffffffffu, value, away);
  return value;
}

// The sum over a block of Threads threads (a multiple of 32), in thread 0: each warp's sum, then
// the sums of the warps by the first warp. All threads must call it, once.
template <int Threads>
SIMT_DEVICE float block_sum(float value) {
  static_assert(Threads % 32 == 0 && Threads <= 1024);
  __shared__ simt::array<float, 32> sums;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  value = warp_sum(value);
  if (lane == 0) sums[warp] = value;
  __syncthreads();  // every warp's sum is there before the first warp reads them
  if (warp != 0) return 0.0f;
  float total = 0.0f;
  if (lane < Threads / 32) total = sums[lane];
  return warp_sum(total);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
