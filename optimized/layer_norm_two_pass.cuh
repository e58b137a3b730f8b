// Layer norm as the textbook has it: a block a row, element by element; one pass for the mean, one
// for the variance, one for the results. Three reads of what layer_norm.cuh reads once. Shifted,
// the same for rows that are too long for a block's registers.
#pragma once

#include "optimized/layer_norm.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <class T, bool Residual, bool Shifted>
__global__ void __launch_bounds__(k_row_threads) layer_norm_two_pass(layer_norm_problem<T> p) {
  constexpr int k_warps = k_row_threads / 32;
  __shared__ simt::array<float, k_warps> sums;
  __shared__ simt::array<float, k_warps> squares;
  __shared__ simt::array<float, 1> pivots;
  const std::int64_t row = blockIdx.x;
  const float n = layer_norm_divisor(p.length);
  const auto added = [&](std::int64_t j) {
    const float x = simt::to_float(T(p.x[row][j]));
    if constexpr (Residual)
      return simt::to_float(simt::from_float<T>(x + simt::to_float(T(p.residual[row][j]))));
    else
      return x;
  };
  const auto again = [&](std::int64_t j) {
    if constexpr (Residual)
      return simt::to_float(T(p.sum[row][j]));  // by the thread that wrote it
    else
      return simt::to_float(T(p.x[row][j]));
  };

  float pivot = 0.0f;
  if constexpr (Shifted)
    pivot = row_first<k_row_threads>(threadIdx.x == 0 && p.length > 0 ? added(0) : 0.0f, pivots);
  float sum = 0.0f, square = 0.0f;
  for (std::int64_t j = threadIdx.x; j < p.length; j += k_row_threads) {
    const float x = added(j);
    if constexpr (Residual) p.sum[row][j] = simt::from_float<T>(x);
    sum += x - pivot;
  }
  const float middle = row_total<k_row_threads>(sum, sums) / n;
  for (std::int64_t j = threadIdx.x; j < p.length; j += k_row_threads) {
    const float off = again(j) - pivot - middle;
    square = fmaf(off, off, square);
  }
  const float rstd = layer_norm_rstd(row_total<k_row_threads>(square, squares) / n, p.eps);
  if (threadIdx.x == 0) store_statistics(p, row, pivot + middle, rstd);
  for (std::int64_t j = threadIdx.x; j < p.length; j += k_row_threads) {
    const float off = again(j) - pivot - middle;
    p.y[row][j] = simt::from_float<T>(
        fmaf(off * rstd, simt::to_float(T(p.gamma[j])), simt::to_float(T(p.beta[j]))));
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
