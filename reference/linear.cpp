#include "reference/linear.hpp"

#include "reference/gelu.hpp"

#include <algorithm>
#include <cmath>

namespace assay::reference {
namespace {

constexpr double k_u = k_unit_roundoff<double>;

// Sums side by side, each as dot2's: the rounded sum, what was lost, the magnitudes of that.
class double_sums {
 public:
  explicit double_sums(std::size_t count) : sum_(count), lost_(count), magnitude_(count) {}

  void add_products(double factor, const double* row) {
    double *const sum = sum_.data(), *const lost = lost_.data(), *const size = magnitude_.data();
    for (std::size_t n = 0, count = sum_.size(); n < count; ++n) {
      const double product = factor * row[n], product_lost = std::fma(factor, row[n], -product);
      const double next = sum[n] + product, part = next - sum[n];
      const double sum_lost = (sum[n] - (next - part)) + (product - part);  // two_sum
      sum[n] = next;
      lost[n] += sum_lost + product_lost;
      size[n] += std::abs(sum_lost) + std::abs(product_lost);
    }
    ++terms_;
  }
  void add(const double* row) { add_products(1, row); }

  // dot2's error. Where a term is infinite or no number, the plain sum, exactly.
  void append_to(std::vector<approximation>& all) const {
    const double n = double(terms_);
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      const double value = sum_[i] + lost_[i];
      if (!is_finite(sum_[i]))
        all.push_back({sum_[i], 0});
      else
        all.push_back({value, (1 + 8 * k_u) * (k_u * std::abs(value) + 4 * n * k_u * magnitude_[i] +
                                               n * 0x1p-1074)});
    }
  }

 private:
  std::vector<double> sum_, lost_, magnitude_;
  std::int64_t terms_ = 0;
};

// The rows of a matrix, contiguous: itself where they are.
class contiguous_rows {
 public:
  explicit contiguous_rows(const matrix_view<double>& of) : view_(of) {
    if (of.column_step == 1) return;
    held_.reserve(std::size_t(of.rows * of.columns));
    for (std::int64_t i = 0; i < of.rows; ++i)
      for (std::int64_t n = 0; n < of.columns; ++n) held_.push_back(of.at(i, n));
    view_ = matrix_of(std::span<const double>(held_), of.rows, of.columns);
  }
  contiguous_rows(const contiguous_rows&) = delete;

  const double* row(std::int64_t i) const { return view_.data + i * view_.row_step; }

 private:
  matrix_view<double> view_;
  std::vector<double> held_;
};

double slope_of(gelu_form form, double x) {
  const approximation slope =
      to_double(form == gelu_form::erf ? gelu_erf_slope{}(x) : gelu_tanh_slope{}(x));
  return std::abs(slope.value) + slope.error;
}

// The largest |gelu''| where |x| lies between `near` and `far`, or more.
double largest_curvature(gelu_form form, double near, double far) {
  constexpr double k_density = 0x1.9884533d43651p-2, k_root = 0x1.9884533d43651p-1;  // sqrt(2/pi)
  if (form == gelu_form::erf) return k_density * std::exp(-near * near / 2) * (2 + far * far);
  const double z = 2 * k_root * near * (1 + 0.044715 * near * near),
               first = 2 * k_root * (1 + 3 * 0.044715 * far * far),
               second = 12 * k_root * 0.044715 * far;
  return std::exp(-z) * (2 * first + far * second + far * first * first);
}

}  // namespace

std::vector<approximation> product_with_error(const matrix_view<double>& left,
                                              const matrix_view<double>& right,
                                              std::span<const double> row,
                                              std::span<const double> all) {
  const contiguous_rows rows(right);
  std::vector<approximation> result;
  result.reserve(std::size_t(left.rows * right.columns));
  for (std::int64_t i = 0; i < left.rows; ++i) {
    double_sums sums(std::size_t(right.columns));
    for (std::int64_t k = 0; k < left.columns; ++k) sums.add_products(left.at(i, k), rows.row(k));
    if (!row.empty()) sums.add(row.data());
    if (!all.empty()) sums.add(all.data() + i * right.columns);
    sums.append_to(result);
  }
  return result;
}

std::vector<approximation> sum_of_rows_with_error(const matrix_view<double>& of) {
  const contiguous_rows rows(of);
  double_sums sums(std::size_t(of.columns));
  for (std::int64_t i = 0; i < of.rows; ++i) sums.add(rows.row(i));
  std::vector<approximation> result;
  sums.append_to(result);
  return result;
}

double steepest_gelu(gelu_form form, double low, double high) {
  constexpr double k_most = 1.13;
  const double middle = low + (high - low) / 2, half = (high - low) / 2;
  const double near = low > 0    ? low
                      : high < 0 ? -high
                                 : 0,
               far = std::max(std::abs(low), std::abs(high));
  // A few operations, each off by 2^-48 at most.
  const double steepest =
      (slope_of(form, middle) + half * largest_curvature(form, near, far)) * (1 + 0x1p-40);
  return steepest <= k_most ? steepest : k_most;  // NaN too: infinity times 0
}

approximation gelu_with_error(gelu_form form, const approximation& x) {
  approximation y = to_double(form == gelu_form::erf ? gelu_erf_forward{}(x.value)
                                                     : gelu_tanh_forward{}(x.value));
  if (x.error > 0 && is_finite(y.value))
    y.error += x.error * steepest_gelu(form, x.value - x.error, x.value + x.error);
  return y;
}

}  // namespace assay::reference
