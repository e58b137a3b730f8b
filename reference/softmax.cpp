#include "reference/softmax.hpp"

#include "reference/exponentials.hpp"

namespace assay::reference {
namespace {

using namespace detail;

exponentials exponentials_of(std::span<const double> x, double temperature) {
  std::vector<double> t = exponents(x, temperature), off;
  for (double each : t) off.push_back(2 * k_u * -each);
  return detail::exponentials_of(std::move(t), off);
}

/// x + m as two doubles, or as one where that is not finite.
exact_result<double> sum_of(double x, double m) {
  if (m == -k_infinity) return {m, 0};
  const exact_result<double> sum = two_sum(x, m);
  return is_finite(sum.value) ? sum : exact_result<double>{sum.value, 0};
}

bool is_less(const exact_result<double>& a, const exact_result<double>& b) {
  return a.value < b.value || (a.value == b.value && a.error < b.error);
}

/// Of sums that are two doubles each: their distances from the largest.
exponentials exponentials_of(const std::vector<exact_result<double>>& sums) {
  const exact_result<double> most = *std::max_element(sums.begin(), sums.end(), is_less);
  std::vector<double> t, off;
  for (const exact_result<double>& each : sums) {
    if (each.value == -k_infinity) {
      t.push_back(each.value);
      off.push_back(0);
      continue;
    }
    const auto high = two_sum(each.value, -most.value), low = two_sum(each.error, -most.error);
    const double parts[] = {high.value, low.value, high.error, low.error};
    double magnitude = 0;
    for (double part : parts) magnitude += std::abs(part);
    t.push_back(sum2(parts));
    off.push_back(k_u * std::abs(t.back()) + 32 * k_u * k_u * magnitude);
  }
  return detail::exponentials_of(std::move(t), off);
}

std::vector<approximation> softmax_of(const exponentials& row) {
  const double sum = row.sum(), sum_error = row.sum_error();
  std::vector<approximation> p;
  for (std::size_t j = 0; j < row.t.size(); ++j) {
    const double value = row.e[j] / sum;
    const bool vanished = !is_finite(row.t[j]);  // a masked score: exactly nothing
    p.push_back(
        {value, vanished ? 0 : value * (row.error[j] + sum_error + k_u) * k_products + k_lost});
  }
  return p;
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
  return softmax_of(exponentials_of(x, temperature));
}

std::vector<approximation> additive_softmax_with_error(std::span<const double> x,
                                                       std::span<const double> mask) {
  std::vector<exact_result<double>> sums;
  std::vector<double> scores;
  for (std::size_t j = 0; j < x.size(); ++j) {
    sums.push_back(sum_of(x[j], mask[j]));
    scores.push_back(sums.back().value);
  }
  const row_kind kind = kind_of_row(std::span<const double>(scores));
  if (kind == row_kind::undefined) return throughout(x.size(), k_nan);
  if (kind == row_kind::masked) return throughout(x.size(), 0);
  return softmax_of(exponentials_of(sums));
}

std::vector<approximation> log_softmax_with_error(std::span<const double> x) {
  const row_kind kind = kind_of_row(x);
  if (kind == row_kind::undefined) return throughout(x.size(), k_nan);
  if (kind == row_kind::masked) return throughout(x.size(), -k_infinity);
  const exponentials row = exponentials_of(x, 1);
  const double log_sum = special<double>::log1p(row.rest);
  const double log_error = row.rest_error / row.sum() + k_q * log_sum;
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
