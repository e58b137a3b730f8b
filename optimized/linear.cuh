// A linear layer, y = x W + b for the rows of x, with W as [in, out] (the layout of GPT-2's
// Conv1D): as it is written, a thread an output. What a faster kernel takes its place with is a
// kernel of a linear_problem.
#pragma once

#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

// Everything that a kernel of it is given. Rows of x, W and y lie so many elements apart; b is
// contiguous.
template <class T>
struct linear_problem {
  simt::global<const T> x, weights, bias;  // [rows, in], [in, out], [out]
  simt::global<T> y;                       // [rows, out]
  std::int64_t rows = 0;
  int in = 0, out = 0;
  std::int64_t x_row = 0, weights_row = 0, y_row = 0;
};

inline constexpr int k_linear_naive_threads = 256;

// Sums in fp32 by fused multiply-adds in order, then the bias; rounded once. A column depends on
// its own column of W and on nothing else of it.
template <class T>
__global__ void __launch_bounds__(k_linear_naive_threads) linear_naive(linear_problem<T> p) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_linear_naive_threads + threadIdx.x;
  if (i >= p.rows * p.out) return;
  const std::int64_t row = i / p.out;
  const int column = int(i % p.out);
  const simt::global<const T> x = p.x + row * p.x_row;
  float sum = 0;
  for (int k = 0; k < p.in; ++k)
    sum = fmaf(simt::to_float(x[k]), simt::to_float(p.weights[k * p.weights_row + column]), sum);
  p.y[row * p.y_row + column] = simt::from_float<T>(sum + simt::to_float(p.bias[column]));
}

}  // namespace assay::optimized::inline ASSAY_BUILD
