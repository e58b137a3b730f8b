// The gradients of gelu(alpha x), in x and in alpha:
//
//   dx = dy alpha gelu'(alpha x)        dalpha = sum dy x gelu'(alpha x)
//
// dalpha is summed in a fixed order, without atomics: the same bits in every run. A block owns
// k_scaled_block elements; its threads add groups of 16 bytes in turn, then the block adds up its
// threads, and a second kernel of one block the blocks. The order depends on the number of elements
// alone, not on how the arrays are aligned. dx may overlay x or dy.
#pragma once

#include "optimized/math/gelu_erf.cuh"
#include "optimized/reduce.cuh"
#include "optimized/vector_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_scaled_threads = 256;
inline constexpr int k_scaled_groups = 8;  // groups of 16 bytes a thread adds

template <class T>
inline constexpr int k_scaled_group = 16 / int(sizeof(T));  // elements
template <class T>
inline constexpr std::int64_t k_scaled_block =
    std::int64_t(k_scaled_threads) * k_scaled_groups * k_scaled_group<T>;

// partial[blockIdx.x] = this block's part of dalpha. Bytes is the width of one access, 16 or the
// size of an element, whatever the alignment of the arrays allows.
template <class T, int Bytes>
__global__ void __launch_bounds__(k_scaled_threads)
    gelu_scaled_gradient(simt::global<const T> x, simt::global<const T> dy, simt::global<T> dx,
                         simt::global<float> partial, std::int64_t count, float alpha) {
  using chunk = elements<T, Bytes>;
  constexpr int k_words = 16 / Bytes;  // in a group
  float sum = 0.0f;
  for (int g = 0; g < k_scaled_groups; ++g) {
    const std::int64_t group =
        (std::int64_t(blockIdx.x) * k_scaled_groups + g) * k_scaled_threads + threadIdx.x;
    SIMT_UNROLL
    for (int w = 0; w < k_words; ++w) {
      const std::int64_t i = group * k_scaled_group<T> + w * chunk::k_count;
      if (i >= count) continue;
      const chunk in = load_part<T, Bytes>(x + i, count - i);
      const chunk above = load_part<T, Bytes>(dy + i, count - i);
      chunk out;
      SIMT_UNROLL
      for (int e = 0; e < chunk::k_count; ++e) {
        const float slope = math::gelu_erf_derivative(alpha * in.value[e]);
        // x gelu'(alpha x) vanishes with gelu', even where x is infinite.
        const float in_alpha = slope == 0.0f ? 0.0f : in.value[e] * slope;
        out.value[e] = above.value[e] * (alpha * slope);
        sum += above.value[e] * in_alpha;  // beyond the end: 0
      }
      store_part<T, Bytes>(dx + i, out, count - i);
    }
  }
  sum = block_sum<k_scaled_threads>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// dalpha[0] = the sum of the blocks' parts: thread t adds parts t, t + 256, ..., then the block its
// threads.
__global__ void __launch_bounds__(k_scaled_threads)
    gelu_scaled_sum(simt::global<const float> partial, std::int64_t blocks,
                    simt::global<float> dalpha);

}  // namespace assay::optimized::inline ASSAY_BUILD
