// The kernels by which the emulator's speed is measured: one without barriers, one with many warp
// shuffles, one with everything that a tensor-core kernel has.
#pragma once

#include "optimized/simt/simt.cuh"

#include <cmath>

namespace assay::simt::inline ASSAY_BUILD {

// y = x Phi(x), one thread an element.
__global__ void gelu_erf(global<const float> x, global<float> y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const float v = x[i];
  y[i] = 0.5f * v * (1.0f + erff(v * 0.70710678118654752f));
}

inline constexpr int k_softmax_threads = 256;
inline constexpr int k_softmax_warps = k_softmax_threads / 32;

struct take_maximum {
  SIMT_DEVICE float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct take_sum {
  SIMT_DEVICE float operator()(float a, float b) const { return a + b; }
};

// VALUE combined over the block; every thread gets it.
template <class Combine>
SIMT_DEVICE float over_block(float value, shared<float> partial, Combine combine) {
  for (int d = 16; d > 0; d /= 2) value = combine(value, __shfl_xor_sync(k_full_warp, value, d));
  __syncthreads();  // the last use of PARTIAL is over
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();  // every warp's part is there
  value = partial[0];
  for (int w = 1; w < k_softmax_warps; ++w) value = combine(value, partial[w]);
  return value;
}

// One row of COLUMNS a block.
__global__ void softmax_three_pass(global<const float> x, global<float> y, int columns) {
  __shared__ array<float, k_softmax_warps> partial;
  const int first = static_cast<int>(threadIdx.x);
  const global<const float> row = x + static_cast<std::ptrdiff_t>(blockIdx.x) * columns;
  const global<float> out = y + static_cast<std::ptrdiff_t>(blockIdx.x) * columns;
  float maximum = -INFINITY;
  for (int c = first; c < columns; c += k_softmax_threads) maximum = fmaxf(maximum, row[c]);
  maximum = over_block(maximum, partial, take_maximum{});
  float sum = 0;
  for (int c = first; c < columns; c += k_softmax_threads) sum += expf(row[c] - maximum);
  const float scale = 1.0f / over_block(sum, partial, take_sum{});
  for (int c = first; c < columns; c += k_softmax_threads) out[c] = expf(row[c] - maximum) * scale;
}

}  // namespace assay::simt::inline ASSAY_BUILD
