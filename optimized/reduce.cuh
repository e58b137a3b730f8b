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

// `combine` of the values of all threads of a block of 32 Warps threads, the same in every thread:
// each warp's, then the warps' by every warp. `parts` is the block's own for this call. combine
// must be commutative, and parts past the last warp are not combined. All threads must call it.
template <int Warps, class Parts, class Combine>
SIMT_DEVICE float block_all(float value, Parts& parts, const Combine& combine) {
  static_assert((Warps & (Warps - 1)) == 0 && Warps <= 32);
  for (int away = 16; away > 0; away /= 2)
    value = combine(value, __shfl_xor_sync(0xffffffffu, value, away));
  if (threadIdx.x % 32 == 0) parts[int(threadIdx.x) / 32] = value;
  __syncthreads();  // every warp's part is there before any warp reads them
  value = parts[int(threadIdx.x) % Warps];
  for (int away = Warps / 2; away > 0; away /= 2)
    value = combine(value, __shfl_xor_sync(0xffffffffu, value, away));
  return value;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
