#include "reference/softmax.hpp"

namespace assay::reference {
namespace {

constexpr double k_u = k_unit_roundoff<double>;
constexpr double k_q = special<double>::k_error;
constexpr double k_products = 1 + 0x1p-20;  // of errors with errors
constexpr double k_lost = 0x1p-1000;        // what underflow may take, with room

/// Exponentials of a row and what follows from them.
struct exponentials {
  std::vector<double> t, e, error;  // error: relative, of e
  double rest = 0;                  // sum of e without the 1 of a largest one
  double rest_error = 0;            // absolute
};

exponentials exponentials_of(std::span<const double> x, double temperature) {
  exponentials all;
  all.t = exponents(x, temperature);
  const auto largest = std::size_t(std::max_element(all.t.begin(), all.t.end()) - all.t.begin());
  std::vector<double> others;
  for (std::size_t j = 0; j < all.t.size(); ++j) {
    const double t = all.t[j];
    all.e.push_back(detail::exp_or_zero(t));
    all.error.push_back(all.e[j] == 0 || t == 0 ? 0 : (2 * k_u * -t + k_q) * k_products);
    if (j == largest) continue;
    others.push_back(all.e[j]);
    all.rest_error += all.e[j] * all.error[j] + k_lost;
  }
  const double n = double(x.size());
  all.rest = sum2(others);
  all.rest_error += all.rest * (k_u + n * n * k_u * k_u);
  return all;
}

std::vector<approximation> throughout(std::size_t count, double value) {
  return std::vector<approximation>(count, {value, 0});
}

bool all_finite(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [](double each) { return is_finite(each); });
}

}  // namespace

std::vector<approximation> softmax_with_error(std::span<const double> x, double temperature) {
  const row_kind kind = kind_of_row(x);
  if (kind == row_kind::undefined) return throughout(x.size(), k_nan);
  if (kind == row_kind::masked) return throughout(x.size(), 0);
  const exponentials row = exponentials_of(x, temperature);
  const double sum = 1 + row.rest, sum_error = row.rest_error / sum + k_u;
  std::vector<approximation> p;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double value = row.e[j] / sum;
    const bool vanished = !is_finite(row.t[j]);  // a masked score: exactly nothing
    p.push_back(
        {value, vanished ? 0 : value * (row.error[j] + sum_error + k_u) * k_products + k_lost});
  }
  return p;
}

std::vector<approximation> log_softmax_with_error(std::span<const double> x) {
  const row_kind kind = kind_of_row(x);
  if (kind == row_kind::undefined) return throughout(x.size(), k_nan);
  if (kind == row_kind::masked) return throughout(x.size(), -k_infinity);
  const exponentials row = exponentials_of(x, 1);
  const double log_sum = special<double>::log1p(row.rest);
  const double log_error = row.rest_error / (1 + row.rest) + k_q * log_sum;
  std::vector<approximation> l;
  for (double t : row.t) {
    const double value = t - log_sum;
    const bool vanished = !is_finite(t);
    l.push_back(
        {value, vanished ? 0 : (2 * k_u * -t + log_error + k_u * std::abs(value)) * k_products});
  }
  return l;
}

std::vector<approximation> softmax_gradient_with_error(std::span<const double> p,
                                                       std::span<const double> dp,
                                                       double temperature) {
  if (!all_finite(p) || !all_finite(dp)) {
    std::vector<approximation> plain;
    for (double each : softmax_gradient(p, dp, temperature)) plain.push_back({each, 0});
    return plain;
  }
  const approximation dot = dot2(p, dp);
  std::vector<approximation> dx;
  for (std::size_t j = 0; j < p.size(); ++j) {
    const double difference = dp[j] - dot.value, value = p[j] * difference / temperature;
    const double error = std::abs(p[j]) / temperature * (dot.error + k_u * std::abs(difference));
    dx.push_back({value, (error + 2 * k_u * std::abs(value)) * k_products});
  }
  return dx;
}

std::vector<approximation> log_softmax_gradient_with_error(std::span<const double> l,
                                                           std::span<const double> dl) {
  const double sum = sum2(dl), n = double(dl.size());
  double magnitude = 0;
  for (double each : dl) magnitude += std::abs(each);
  const double sum_error = k_u * std::abs(sum) + 2 * n * n * k_u * k_u * magnitude;
  std::vector<approximation> dx;
  for (std::size_t j = 0; j < l.size(); ++j) {
    const double p = detail::exp_or_zero(l[j]), product = p * sum, value = dl[j] - product;
    const double error = p * sum_error + std::abs(product) * (k_q + k_u) + k_u * std::abs(value);
    dx.push_back({value, is_finite(value) ? error * k_products + k_lost : 0});
  }
  return dx;
}

}  // namespace assay::reference
