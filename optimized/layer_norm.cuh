// Layer norm of the rows of a matrix: forward kernels.
//
//   y = gamma (x - mean) rstd + beta, rstd = 1 / sqrt(variance + eps) of each row
//
// The variance is the mean of (x - mean)^2, taken in a second pass: as mean(x^2) - mean^2 it would
// lose every digit of a row that lies far from zero. `shifted` subtracts the row's first element
// from all of it before either pass (Chan, Golub, LeVeque, "Algorithms for computing the sample
// variance", The American Statistician 37(3), 1983, section 3): what is summed is then as large as
// the row's spread, wherever the row lies, and a constant row is constant to the last bit. Rows
// that fit into their threads' registers are read once. The order of every sum depends on the row's
// length alone.
//
// With a residual the row that is normalized is x + residual, rounded to the tensors' type and
// written to `sum`. Where variance + eps is 0, rstd is 0. A NaN or an infinity makes all results of
// its row NaN. y, or with a residual sum, may overlay x.
#pragma once

#include "optimized/reduce.cuh"
#include "optimized/row_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

template <class T>
struct layer_norm_problem {
  matrix_rows<const T> x, residual;  // residual, sum: where there is one
  simt::global<const T> gamma, beta;
  matrix_rows<T> sum, y;
  simt::global<float> mean, rstd;
  std::int64_t count, length;
  float eps;
};

// A row without elements has sums of 0, and its mean is 0.
SIMT_DEVICE float layer_norm_divisor(std::int64_t length) { return float(length > 0 ? length : 1); }

SIMT_DEVICE float layer_norm_rstd(float variance, float eps) {
  const float v = variance + eps;
  return v == 0.0f ? 0.0f : 1.0f / sqrtf(v);
}

// By one thread of a row. (The mean of a row with an infinity may be one: rstd is NaN then.)
template <class T>
SIMT_DEVICE void store_statistics(const layer_norm_problem<T>& p, std::int64_t row, float mean,
                                  float rstd) {
  p.mean[row] = rstd != rstd ? rstd : mean;
  p.rstd[row] = rstd;
}

SIMT_DEVICE float row_plus(float a, float b) { return a + b; }

// The sum over a row's threads, the same in every one; `parts` is the block's for this sum.
template <int Threads, class Parts>
SIMT_DEVICE float row_total(float value, Parts& parts) {
  if constexpr (Threads == 32)
    return warp_sum(value);
  else
    return block_all<Threads / 32>(value, parts, row_plus);
}

// The first thread's value in every thread of a row.
template <int Threads, class Part>
SIMT_DEVICE float row_first(float value, Part& part) {
  if constexpr (Threads == 32) {
    return __shfl_sync(0xffffffffu, value, 0);
  } else {
    if (threadIdx.x == 0) part[0] = value;
    __syncthreads();  // it is there before any thread reads it
    return part[0];
  }
}

// The elements of a row that are normalized, a group of them: x, or x + residual as it is stored.
template <bool Residual, int Bytes, class T>
SIMT_DEVICE void load_normalized(const layer_norm_problem<T>& p, std::int64_t row,
                                 std::int64_t first, float (&x)[k_row_group<T>]) {
  load_group<T, Bytes>(p.x[row], first, p.length, x);
  if constexpr (Residual) {
    float other[k_row_group<T>];
    load_group<T, Bytes>(p.residual[row], first, p.length, other);
    SIMT_UNROLL
    for (int e = 0; e < k_row_group<T>; ++e)
      x[e] = simt::to_float(simt::from_float<T>(x[e] + other[e]));
    store_group<T, Bytes>(p.sum[row], first, p.length, x);
  }
}

// Rows that fit into registers: Threads (32 or all of a block) take `rows_each` rows in turn, with
// gamma and beta in registers.
template <class T, bool Residual, int Bytes, int Threads>
__global__ void __launch_bounds__(k_row_threads)
    layer_norm_shifted(layer_norm_problem<T> p, std::int64_t rows_each) {
  constexpr int k_group = k_row_group<T>, k_groups = k_row_groups<T>;
  __shared__ simt::array<float, k_row_threads / 32> sums;
  __shared__ simt::array<float, k_row_threads / 32> squares;
  __shared__ simt::array<float, 1> pivots;
  const std::int64_t team =
      std::int64_t(blockIdx.x) * (k_row_threads / Threads) + threadIdx.x / Threads;
  const int lane = int(threadIdx.x) % Threads;
  const float n = layer_norm_divisor(p.length);
  const auto first_of = [&](int g) { return (std::int64_t(g) * Threads + lane) * k_group; };
  if (team * rows_each >= p.count) return;  // whole warps: a block of one row has it

  float gamma[k_groups][k_group], beta[k_groups][k_group];
  SIMT_UNROLL
  for (int g = 0; g < k_groups; ++g) {
    load_group<T, Bytes>(p.gamma, first_of(g), p.length, gamma[g]);
    load_group<T, Bytes>(p.beta, first_of(g), p.length, beta[g]);
  }
  for (std::int64_t row = team * rows_each; row < p.count && row < (team + 1) * rows_each; ++row) {
    float x[k_groups][k_group];
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) load_normalized<Residual, Bytes>(p, row, first_of(g), x[g]);
    const float pivot = row_first<Threads>(x[0][0], pivots);
    float sum = 0.0f, square = 0.0f;
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) SIMT_UNROLL
    for (int e = 0; e < k_group; ++e) {
      x[g][e] = first_of(g) + e < p.length ? x[g][e] - pivot : 0.0f;
      sum += x[g][e];
    }
    const float middle = row_total<Threads>(sum, sums) / n;
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) SIMT_UNROLL
    for (int e = 0; e < k_group; ++e) {
      x[g][e] = first_of(g) + e < p.length ? x[g][e] - middle : 0.0f;
      square = fmaf(x[g][e], x[g][e], square);
    }
    const float rstd = layer_norm_rstd(row_total<Threads>(square, squares) / n, p.eps);
    if (lane == 0) store_statistics(p, row, pivot + middle, rstd);
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) {
      SIMT_UNROLL
      for (int e = 0; e < k_group; ++e) x[g][e] = fmaf(x[g][e] * rstd, gamma[g][e], beta[g][e]);
      store_group<T, Bytes>(p.y[row], first_of(g), p.length, x[g]);
    }
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
