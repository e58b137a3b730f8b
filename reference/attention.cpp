#include "reference/attention.hpp"

#include <cmath>

namespace assay::reference {
namespace {

constexpr double k_u = k_unit_roundoff<double>;
constexpr double k_q = special<double>::k_error;
constexpr double k_products = 1 + 0x1p-20;  // of errors with errors
constexpr double k_lost = 0x1p-1000;        // what underflow may take, with room

struct scores_with_error {
  std::vector<double> value, error;
};

scores_with_error scores_of(std::span<const double> q, const head_matrix<double>& keys,
                            double scale, double scale_error) {
  scores_with_error s;
  for (std::int64_t j = 0; j < keys.count; ++j) {
    const approximation dot = dot2(q, keys.row(j));
    s.value.push_back(dot.value * scale);
    s.error.push_back(
        (dot.error * std::abs(scale) + (k_u + scale_error) * std::abs(s.value.back())) *
            k_products +
        k_lost);
  }
  return s;
}

attended_with_error exactly(const attended<double>& result) {
  attended_with_error all{{}, {result.lse, 0}};
  for (const double each : result.o) all.o.push_back({each, 0});
  return all;
}

/// e^(t_j) and its relative error; the sum of those beyond the largest, and its absolute error.
struct weights {
  std::vector<double> e, error;
  double rest = 0, rest_error = 0, largest_error = 0;
};

weights weights_of(const scores_with_error& s) {
  weights w;
  const auto most = std::size_t(std::max_element(s.value.begin(), s.value.end()) - s.value.begin());
  w.largest_error = s.error[most];
  const double n = double(s.value.size());
  for (std::size_t j = 0; j < s.value.size(); ++j) {
    const double t = s.value[j] - s.value[most];
    w.e.push_back(detail::exp_or_zero(t));
    const bool exact = j == most || t == -k_infinity;
    w.error.push_back(exact ? 0 : (s.error[j] + w.largest_error + 2 * k_u * -t + k_q) * k_products);
    if (j == most) continue;
    w.rest += w.e[j];
    w.rest_error += w.e[j] * w.error[j] + k_lost;
  }
  w.rest_error += 2 * n * k_u * w.rest;
  return w;
}

}  // namespace

attended_with_error attend_with_error(std::span<const double> q, const head_matrix<double>& keys,
                                      const head_matrix<double>& values, double scale,
                                      double scale_error) {
  const scores_with_error s = scores_of(q, keys, scale, scale_error);
  const std::span<const double> scores(s.value);
  if (kind_of_row(scores) != row_kind::ordinary) return exactly(attend_by(scores, values));
  const weights w = weights_of(s);
  const double sum = 1 + w.rest, sum_error = w.rest_error / sum + k_u, n = double(values.count);
  attended_with_error all;
  for (std::int64_t d = 0; d < values.width; ++d) {
    const double beyond = detail::beyond_numbers(values, scores, d);
    double o = 0, error = 0, magnitude = 0;
    for (std::int64_t j = 0; j < values.count && is_finite(beyond); ++j) {
      const auto at = std::size_t(j);
      if (s.value[at] == -k_infinity) continue;
      const double term = w.e[at] * values.data[j * values.stride + d];
      o += term;
      magnitude += std::abs(term);
      error += std::abs(term) * w.error[at] + std::abs(values.data[j * values.stride + d]) * k_lost;
    }
    if (!is_finite(beyond)) {
      all.o.push_back({beyond, 0});
      continue;
    }
    error += magnitude * (sum_error + 2 * n * k_u + 2 * k_u);
    all.o.push_back({o / sum, error / sum * k_products + k_lost});
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  const double log_sum = special<double>::log1p(w.rest);
  all.lse = {most + log_sum, (w.largest_error + w.rest_error / sum + k_q * log_sum +
                              k_u * std::abs(most + log_sum)) *
                                 k_products};
  return all;
}

}  // namespace assay::reference
