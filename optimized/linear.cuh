// A linear layer and its gradients are products of two matrices, y = A B and what follows it (a
// bias, a residual, a GELU), which differ in how A and B lie in memory. Here is what every kernel
// of such a product is given, what it does with a sum, and the kernel as it is written: a thread an
// output.
#pragma once

#include "optimized/math/gelu_erf.cuh"
#include "optimized/math/gelu_tanh.cuh"
#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

// How A [rows, inner] and B [inner, columns] lie in memory:
//   plain         as they are           x W,     W as [in, out]
//   right_turned  B as [columns, inner] x W^T,   W as [out, in]
//   left_turned   A as [inner, rows]    x^T dy
enum class operands { plain, right_turned, left_turned };

// What is made of a sum s of products: s, s + bias, residual + (s + bias), gelu(s + bias) with s +
// bias kept. In fp32; what is stored is rounded once.
enum class product_end { sum, bias, residual, gelu_erf, gelu_tanh };

// Everything that a kernel of it is given. Rows, as they lie in memory, are so many elements apart;
// the bias is contiguous.
template <class T>
struct product_problem {
  simt::global<const T> left, right;
  simt::global<T> y;  // [rows, columns]
  std::int64_t rows = 0;
  int inner = 0, columns = 0;
  std::int64_t left_row = 0, right_row = 0, y_row = 0;
  product_end end = product_end::sum;
  simt::global<const T> bias = {};      // [columns]
  simt::global<const T> residual = {};  // as y
  std::int64_t residual_row = 0;
  simt::global<T> pre = {};  // as y: what the GELU is of
  std::int64_t pre_row = 0;
  bool left_whole = false, right_whole = false;  // rows begin at multiples of 16 bytes
  bool paired = false;  // those of all that is as y, and the bias, at multiples of two elements
};

// Two neighbours of a row, by one access where `paired`: where both are there, at an even place of
// a row that begins at a multiple of their size. `second`: is there a second one?
template <class T>
SIMT_DEVICE float2 load_pair(simt::global<const T> row, int column, bool paired, bool second) {
  if constexpr (sizeof(T) == 2) {
    if (paired) return simt::unpack<T>(simt::view<std::uint32_t>(row)[column / 2]);
  }
  return {simt::to_float(T(row[column])), second ? simt::to_float(T(row[column + 1])) : 0.0f};
}
template <class T>
SIMT_DEVICE void store_pair(simt::global<T> row, int column, float2 value, bool paired,
                            bool second) {
  if constexpr (sizeof(T) == 2) {
    if (paired) {
      simt::view<std::uint32_t>(row)[column / 2] = simt::pack<T>(value.x, value.y);
      return;
    }
  }
  row[column] = simt::from_float<T>(value.x);
  if (second) row[column + 1] = simt::from_float<T>(value.y);
}

template <class T>
SIMT_DEVICE float finished(product_end end, float sum, float residual) {
  if (end == product_end::residual) return residual + sum;
  if (end == product_end::gelu_erf) return math::gelu_erf(sum);
  if (end == product_end::gelu_tanh) return math::gelu_tanh(sum);
  return sum;
}

// Ends and stores two neighbours of a row: their sums of products. `paired` as above, of all
// tensors.
template <class T>
SIMT_DEVICE void end_pair(const product_problem<T>& p, std::int64_t row, int column, float2 sums,
                          bool paired) {
  const bool second = column + 1 < p.columns;
  if (p.end != product_end::sum) {
    const float2 bias = load_pair<T>(p.bias, column, paired, second);
    sums = {sums.x + bias.x, sums.y + bias.y};
  }
  if (p.end == product_end::gelu_erf || p.end == product_end::gelu_tanh)
    store_pair<T>(p.pre + row * p.pre_row, column, sums, paired, second);
  float2 more{};
  if (p.end == product_end::residual)
    more = load_pair<T>(p.residual + row * p.residual_row, column, paired, second);
  const float2 ended{finished<T>(p.end, sums.x, more.x), finished<T>(p.end, sums.y, more.y)};
  store_pair<T>(p.y + row * p.y_row, column, ended, paired, second);
}

// Ends and stores one.
template <class T>
SIMT_DEVICE void end_one(const product_problem<T>& p, std::int64_t row, int column, float sum) {
  if (p.end != product_end::sum) sum = sum + simt::to_float(T(p.bias[column]));
  if (p.end == product_end::gelu_erf || p.end == product_end::gelu_tanh)
    p.pre[row * p.pre_row + column] = simt::from_float<T>(sum);
  float more = 0;
  if (p.end == product_end::residual)
    more = simt::to_float(T(p.residual[row * p.residual_row + column]));
  p.y[row * p.y_row + column] = simt::from_float<T>(finished<T>(p.end, sum, more));
}

inline constexpr int k_linear_naive_threads = 256;

// Sums in fp32 by fused multiply-adds in order. An output depends on its own row of A and column of
// B and on nothing else of them.
template <class T, operands Form>
__global__ void __launch_bounds__(k_linear_naive_threads) product_naive(product_problem<T> p) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_linear_naive_threads + threadIdx.x;
  if (i >= p.rows * p.columns) return;
  const std::int64_t row = i / p.columns, column = i % p.columns;
  const std::int64_t left_step = Form == operands::left_turned ? p.left_row : 1,
                     right_step = Form == operands::right_turned ? 1 : p.right_row;
  const auto left = p.left + row * (Form == operands::left_turned ? 1 : p.left_row);
  const auto right = p.right + column * (Form == operands::right_turned ? p.right_row : 1);
  float sum = 0;
  for (std::int64_t k = 0; k < p.inner; ++k)
    sum =
        fmaf(simt::to_float(T(left[k * left_step])), simt::to_float(T(right[k * right_step])), sum);
  end_one(p, row, int(column), sum);
}

// The sums of the columns of a matrix, in order: a thread a column.
template <class T>
struct column_sums_problem {
  simt::global<const T> from;
  simt::global<T> to;
  std::int64_t rows = 0, from_row = 0;
  int columns = 0;
};
template <class T>
__global__ void __launch_bounds__(k_linear_naive_threads)
    column_sums_naive(column_sums_problem<T> p) {
  const int column = int(blockIdx.x * k_linear_naive_threads + threadIdx.x);
  if (column >= p.columns) return;
  float sum = 0;
  for (std::int64_t i = 0; i < p.rows; ++i)
    sum = sum + simt::to_float(T(p.from[i * p.from_row + column]));
  p.to[column] = simt::from_float<T>(sum);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
