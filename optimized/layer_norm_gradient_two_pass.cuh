// Gradients of layer norm as they are written: dx by a block a row, element by element, one pass
// for the two means and one for the results; dgamma and dbeta by a kernel of their own, which reads
// x and dy once more. For rows of any length.
#pragma once

#include "optimized/layer_norm_gradient.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <class T, bool Residual>
__global__ void __launch_bounds__(k_row_threads)
    layer_norm_gradient_two_pass(layer_norm_gradient_problem<T> p) {
  constexpr int k_warps = k_row_threads / 32;
  __shared__ simt::array<float, k_warps> sums;
  __shared__ simt::array<float, k_warps> dots;
  const std::int64_t row = blockIdx.x;
  const float mean = p.mean[row], rstd = p.rstd[row], n = layer_norm_divisor(p.length);
  const auto xhat = [&](std::int64_t j) { return (simt::to_float(T(p.x[row][j])) - mean) * rstd; };
  const auto weighted = [&](std::int64_t j) {
    return simt::to_float(T(p.dy[row][j])) * simt::to_float(T(p.gamma[j]));
  };
  float sum = 0.0f, dot = 0.0f;
  for (std::int64_t j = threadIdx.x; j < p.length; j += k_row_threads) {
    const float w = weighted(j);
    sum += w;
    dot = fmaf(w, xhat(j), dot);
  }
  sum = row_total<k_row_threads>(sum, sums) / n;
  dot = row_total<k_row_threads>(dot, dots) / n;
  for (std::int64_t j = threadIdx.x; j < p.length; j += k_row_threads) {
    float dx = rstd * fmaf(-xhat(j), dot, weighted(j) - sum);
    if constexpr (Residual) dx += simt::to_float(T(p.dsum[row][j]));
    p.dx[row][j] = simt::from_float<T>(dx);
  }
}

// Part of dgamma and dbeta: a block has `rows_each` rows of 32 channels, slice s of its threads the
// rows s, s + 8, ... of them; then the first slice adds the slices.
template <class T>
__global__ void __launch_bounds__(k_row_threads)
    layer_norm_parameter_parts(layer_norm_gradient_problem<T> p, std::int64_t column_blocks) {
  __shared__ simt::array<float, k_row_threads> parts_of_gamma;
  __shared__ simt::array<float, k_row_threads> parts_of_beta;
  const int lane = int(threadIdx.x) % k_parameter_columns,
            slice = int(threadIdx.x) / k_parameter_columns;
  const std::int64_t block = blockIdx.x / column_blocks,
                     column = blockIdx.x % column_blocks * k_parameter_columns + lane;
  const std::int64_t begin = block * p.rows_each, last = begin + p.rows_each;
  const std::int64_t end = last < p.count ? last : p.count;
  float dgamma = 0.0f, dbeta = 0.0f;
  if (column < p.length)
    for (std::int64_t row = begin + slice; row < end; row += k_parameter_slices) {
      const float dy = simt::to_float(T(p.dy[row][column]));
      const float xhat = (simt::to_float(T(p.x[row][column])) - p.mean[row]) * p.rstd[row];
      dgamma = fmaf(dy, xhat, dgamma);
      dbeta += dy;
    }
  parts_of_gamma[int(threadIdx.x)] = dgamma;
  parts_of_beta[int(threadIdx.x)] = dbeta;
  __syncthreads();  // every slice's part is there before the first slice reads them
  if (slice != 0 || column >= p.length) return;
  for (int s = 1; s < k_parameter_slices; ++s) {
    dgamma += parts_of_gamma[s * k_parameter_columns + lane];
    dbeta += parts_of_beta[s * k_parameter_columns + lane];
  }
  p.partial[block * 2 * p.length + column] = dgamma;
  p.partial[(block * 2 + 1) * p.length + column] = dbeta;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
