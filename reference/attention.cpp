#include "reference/attention.hpp"

#include "reference/exponentials.hpp"

#include <cmath>

namespace assay::reference {
namespace {

using namespace detail;

struct scores_with_error {
  std::vector<double> value, error;
};

scores_with_error scores_of(std::span<const double> q, const head_matrix<double>& keys,
                            double scale, double scale_error, std::span<const double> bias) {
  scores_with_error s;
  for (std::int64_t j = 0; j < keys.count; ++j) {
    const approximation dot = is_there(bias, j) ? dot2(q, keys.row(j)) : approximation{};
    const double product = dot.value * scale;
    s.value.push_back(bias.empty() ? product : product + bias[std::size_t(j)]);
    const double sum = bias.empty() ? 0 : k_u * std::abs(s.value.back());
    s.error.push_back(
        (dot.error * std::abs(scale) + (k_u + scale_error) * std::abs(product) + sum) * k_products +
        k_lost);
  }
  return s;
}

attended_with_error exactly(const attended<double>& result) {
  attended_with_error all{{}, {result.lse, 0}};
  for (const double each : result.o) all.o.push_back({each, 0});
  return all;
}

/// Relative to the score at `most`: off by both scores' errors and 2 u of the difference.
exponentials exponentials_of(const scores_with_error& s, std::size_t most) {
  std::vector<double> t, off;
  for (std::size_t j = 0; j < s.value.size(); ++j) {
    t.push_back(s.value[j] - s.value[most]);
    off.push_back(j == most || t[j] == -k_infinity ? 0
                                                   : s.error[j] + s.error[most] + 2 * k_u * -t[j]);
  }
  return detail::exponentials_of(std::move(t), off);
}

}  // namespace

attended_with_error attend_with_error(std::span<const double> q, const head_matrix<double>& keys,
                                      const head_matrix<double>& values, double scale,
                                      double scale_error, std::span<const double> bias) {
  const scores_with_error s = scores_of(q, keys, scale, scale_error, bias);
  const std::span<const double> scores(s.value);
  if (kind_of_row(scores) != row_kind::ordinary) return exactly(attend_by(scores, values));
  const auto most = std::size_t(std::max_element(scores.begin(), scores.end()) - scores.begin());
  const exponentials w = exponentials_of(s, most);
  const double sum = w.sum(), sum_error = w.sum_error(), n = double(values.count);
  attended_with_error all;
  const std::vector<double> beyond_of = detail::beyond_numbers(values, scores);
  for (std::int64_t d = 0; d < values.width; ++d) {
    const double beyond = beyond_of[std::size_t(d)];
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
  const double log_sum = special<double>::log1p(w.rest), lse = s.value[most] + log_sum;
  all.lse = {
      lse, (s.error[most] + w.rest_error / sum + k_q * log_sum + k_u * std::abs(lse)) * k_products};
  return all;
}

}  // namespace assay::reference
