// Softmax as the textbook has it: one pass over the row for the maximum, one for the sum, one for
// the results. A block a row, element by element; three reads of what softmax.cuh reads once. Here
// so that the difference can be seen and counted.
#pragma once

#include "optimized/reduce.cuh"
#include "optimized/softmax.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <class Form, class Scores>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_three_pass(Scores x, matrix_rows<typename Scores::type> y, softmax_rows rows,
                       Form form) {
  constexpr int k_warps = k_softmax_threads / 32;
  __shared__ simt::array<float, k_warps> maxima;
  __shared__ simt::array<float, k_warps> sums;
  const std::int64_t row = blockIdx.x, visible = rows.visible(row);
  const auto score = [&](std::int64_t j) { return x.at(row, j); };

  online_sum all;
  for (std::int64_t j = threadIdx.x; j < visible; j += k_softmax_threads)
    all.most = simt::max_nan(all.most, score(j));
  all.most =
      block_all<k_warps>(all.most, maxima, [](float a, float b) { return simt::max_nan(a, b); });
  if (all.most != -INFINITY)
    for (std::int64_t j = threadIdx.x; j < visible; j += k_softmax_threads)
      all.sum += math::exp(form.exponent(score(j) - all.most));
  all.sum = block_all<k_warps>(all.sum, sums, [](float a, float b) { return a + b; });
  for (std::int64_t j = threadIdx.x; j < rows.length; j += k_softmax_threads) {
    float result[1] = {j < visible ? score(j) : -INFINITY};
    results_of(form, all, visible - j, result);
    y[row][j] = simt::from_float<typename Scores::type>(result[0]);
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
