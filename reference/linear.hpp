// A linear layer, and its gradients (x [rows, in], y [rows, out]):
//
//   y = x W + b            W as [in, out], GPT-2's Conv1D; or [out, in], and then W is transposed
//   dx = dy W^T            db = sum of the rows of dy
//   dW = x^T dy            as [in, out]; as [out, in] its transpose, dy^T x
//
// and what may follow: a residual, r + (x W + b), or a GELU (gelu.hpp) of x W + b.
//
// Policies: what IEEE 754 makes of a sum of products: 0 times infinity is NaN, infinities of both
// signs are, and NaN spreads; a sum of no terms is 0. Zeros have no sign to keep.
#pragma once

#include "reference/exact.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::reference {

/// A matrix in memory: elements `row_step` and `column_step` apart.
template <class T>
struct matrix_view {
  const T* data = nullptr;
  std::int64_t rows = 0, columns = 0, row_step = 0, column_step = 1;

  const T& at(std::int64_t row, std::int64_t column) const {
    return data[row * row_step + column * column_step];
  }
  matrix_view transposed() const { return {data, columns, rows, column_step, row_step}; }
};
/// Row-major and contiguous.
template <class T>
matrix_view<T> matrix_of(std::span<const T> all, std::int64_t rows, std::int64_t columns) {
  return {all.data(), rows, columns, columns, 1};
}

/// left right, [left.rows, right.columns], row-major. Sums in order.
template <real R>
std::vector<R> product(const matrix_view<R>& left, const matrix_view<R>& right) {
  std::vector<R> all(std::size_t(left.rows * right.columns), R(0));
  for (std::int64_t i = 0; i < left.rows; ++i)
    for (std::int64_t k = 0; k < left.columns; ++k)
      for (std::int64_t n = 0; n < right.columns; ++n) {
        R& sum = all[std::size_t(i * right.columns + n)];
        sum = sum + left.at(i, k) * right.at(k, n);
      }
  return all;
}

/// Adds a vector to every row.
template <real R>
void add_to_rows(std::vector<R>& all, std::span<const R> row) {
  for (std::size_t first = 0; first < all.size(); first += row.size())
    for (std::size_t n = 0; n < row.size(); ++n) all[first + n] = all[first + n] + row[n];
}

/// The sum of all rows.
template <real R>
std::vector<R> sum_of_rows(const matrix_view<R>& of) {
  std::vector<R> sums(std::size_t(of.columns), R(0));
  for (std::int64_t i = 0; i < of.rows; ++i)
    for (std::int64_t n = 0; n < of.columns; ++n)
      sums[std::size_t(n)] = sums[std::size_t(n)] + of.at(i, n);
  return sums;
}

/// W [in, out], row-major, and b [out].
template <class T>
struct linear_map {
  std::span<const T> weights, bias;

  std::size_t out() const { return bias.size(); }
  std::size_t in() const { return out() == 0 ? 0 : weights.size() / out(); }
};

/// x W + b of each row of x: [rows, in] gives [rows, out]. Sums in order.
template <real R>
std::vector<R> linear(std::span<const R> x, const linear_map<R>& map) {
  const auto in = std::int64_t(map.in()), out = std::int64_t(map.out());
  if (in == 0) return {};
  std::vector<R> y =
      product(matrix_of(x, std::int64_t(x.size()) / in, in), matrix_of(map.weights, in, out));
  add_to_rows(y, map.bias);
  return y;
}

// R0 with bounds of its own error: sums as if in twice double's precision (dot2, exact.hpp), those
// of a row side by side.

/// left right, plus `row` to every row and `all` to every element where there are such.
std::vector<approximation> product_with_error(const matrix_view<double>& left,
                                              const matrix_view<double>& right,
                                              std::span<const double> row = {},
                                              std::span<const double> all = {});
std::vector<approximation> sum_of_rows_with_error(const matrix_view<double>& of);

enum class gelu_form { erf, tanh };

/// A GELU of what is off by an error: by that times steepest_gelu about it, and by the evaluation.
approximation gelu_with_error(gelu_form form, const approximation& x);

/// The largest |gelu'| over [low, high], or a little more: that in the middle, and from there to an
/// end no more than the largest |gelu''|, which is
///   erf   phi(x) |2 - x^2|
///   tanh  s (1 - s) |2 z' + x z'' + x z'^2 (1 - 2 s)|, s = sigmoid(z), s (1 - s) <= e^-|z|,
///         z = 2 sqrt(2/pi) (x + 0.044715 x^3)
/// taken factor by factor at the end where each is largest; never more than 1.13, which lies above
/// both forms' largest slope (1.1290, at sqrt 2 or close to it).
double steepest_gelu(gelu_form form, double low, double high);

}  // namespace assay::reference
