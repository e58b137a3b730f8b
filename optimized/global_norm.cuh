// The Euclidean norm of an array and the factor that clips it (reference/global_norm.hpp):
//
//   norm = sqrt(sum of g^2)      factor = min(1, limit / norm)
//
// without atomics: the same bits in every run, in an order that the number of elements alone
// decides. global_norm_parts gives each block 8 groups of 16 bytes a thread and leaves the block's
// sum of squares in scratch memory; global_norm_end adds those up. global_norm_naive is one block
// that takes the array element by element.
//
// A square of fp32 leaves fp32's range long before the norm does: above 2^64 it is infinite, below
// 2^-75 it is 0. Sums in double know neither (and each square is exact in them); on an array that
// comes from memory they cost nothing where double runs at half of fp32's pace, as on an H100.
#pragma once

#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cmath>
#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_norm_threads = 256;
inline constexpr int k_norm_groups = 8;  // groups of 16 bytes a thread adds

template <class T>
inline constexpr int k_norm_group = 16 / int(sizeof(T));  // elements
template <class T>
inline constexpr std::int64_t k_norm_block =
    std::int64_t(k_norm_threads) * k_norm_groups * k_norm_group<T>;

// The sum over the block, in thread 0 (in the others 0): the upper half of the threads to the
// lower, until one is left. All threads must call it, once.
template <class Sum>
SIMT_DEVICE Sum norm_block_sum(Sum value) {
  __shared__ simt::array<Sum, k_norm_threads> sums;
  const int thread = int(threadIdx.x);
  sums[thread] = value;
  for (int half = k_norm_threads / 2; half > 0; half /= 2) {
    __syncthreads();  // what is added now has been written, by others
    if (thread < half) sums[thread] = Sum(sums[thread]) + Sum(sums[thread + half]);
  }
  return thread == 0 ? Sum(sums[0])
                     : Sum(0);  // which thread 0 has written: the others must not look
}

// Bytes is the width of one access, 16 or the size of an element.
template <class T, class Sum, int Bytes>
__global__ void __launch_bounds__(k_norm_threads)
    global_norm_parts(simt::global<const T> gradients, std::int64_t count,
                      simt::global<Sum> parts) {
  using chunk = elements<T, Bytes>;
  Sum sum = 0;
  for (int g = 0; g < k_norm_groups; ++g) {
    const std::int64_t group =
        (std::int64_t(blockIdx.x) * k_norm_groups + g) * k_norm_threads + threadIdx.x;
    SIMT_UNROLL
    for (int w = 0; w < 16 / Bytes; ++w) {
      const std::int64_t i = group * k_norm_group<T> + w * chunk::k_count;
      if (i >= count) continue;
      const chunk in = load_part<T, Bytes>(gradients + i, count - i);  // beyond the end: 0
      SIMT_UNROLL
      for (int e = 0; e < chunk::k_count; ++e) sum += Sum(in.value[e]) * Sum(in.value[e]);
    }
  }
  sum = norm_block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

SIMT_DEVICE float root_of(float x) { return sqrtf(x); }
SIMT_DEVICE double root_of(double x) { return sqrt(x); }

// The norm and the factor, from the sum in the precision of the sum, each rounded once.
template <class Sum>
SIMT_DEVICE void store_norm(Sum squares, float limit, simt::global<float> norm,
                            simt::global<float> factor) {
  const Sum root = root_of(squares);
  norm[0] = float(root);
  // A comparison with NaN is false: what is no number, or infinite, is found by its difference.
  factor[0] = !(root - root == Sum(0)) ? NAN : root > Sum(limit) ? float(Sum(limit) / root) : 1.0f;
}

// Thread t adds parts t, t + 256, ..., then the block its threads.
template <class Sum>
__global__ void __launch_bounds__(k_norm_threads)
    global_norm_end(simt::global<const Sum> parts, std::int64_t blocks, float limit,
                    simt::global<float> norm, simt::global<float> factor) {
  Sum sum = 0;
  for (std::int64_t i = threadIdx.x; i < blocks; i += k_norm_threads) sum += Sum(parts[i]);
  sum = norm_block_sum(sum);
  if (threadIdx.x == 0) store_norm(sum, limit, norm, factor);
}

template <class T>
__global__ void __launch_bounds__(k_norm_threads)
    global_norm_naive(simt::global<const T> gradients, std::int64_t count, float limit,
                      simt::global<float> norm, simt::global<float> factor) {
  float sum = 0.0f;
  for (std::int64_t i = threadIdx.x; i < count; i += k_norm_threads) {
    const float g = simt::to_float(T(gradients[i]));
    sum += g * g;
  }
  sum = norm_block_sum(sum);
  if (threadIdx.x == 0) store_norm(sum, limit, norm, factor);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
