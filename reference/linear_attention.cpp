#include "reference/linear_attention.hpp"

#include "reference/exponentials.hpp"

#include <cmath>

namespace assay::reference {
namespace {

using namespace detail;

// How far each weight may be off, and all of them together.
struct weight_errors {
  std::vector<double> off;
  double total = 0;
};

double sum_of(std::span<const double> x) {
  double sum = 0;
  for (const double each : x) sum += each;
  return sum;
}

weight_errors errors_of(std::span<const double> weights, std::span<const double> query,
                        const head_matrix<double>& keys) {
  const double least = std::exp(k_least_exponent<double>), width = double(query.size());
  const double of_query = sum_of(query) + width * least;
  weight_errors errors;
  for (std::int64_t j = 0; j < keys.count; ++j) {
    const double relative = 2 * k_q + (width + 1) * k_u;
    errors.off.push_back(
        (relative * weights[std::size_t(j)] + least * (of_query + sum_of(keys.row(j)))) *
        k_products);
    errors.total += errors.off.back();
  }
  return errors;
}

// One column of the mean, all of whose values of positive weight are numbers.
approximation mean_of(std::span<const double> weights, const weight_errors& errors, double total,
                      const head_matrix<double>& values, std::int64_t column) {
  const double n = double(values.count), total_error = (errors.total + n * k_u * total);
  double sum = 0, magnitude = 0, error = 0, largest = 0;
  for (std::int64_t j = 0; j < values.count; ++j) {
    const double w = weights[std::size_t(j)], v = values.row(j)[std::size_t(column)];
    if (!(w > 0)) continue;
    sum += w * v;
    magnitude += std::abs(w * v);
    error += errors.off[std::size_t(j)] * std::abs(v) + k_lost;
    largest = std::max(largest, std::abs(v));
  }
  const double o = sum / total, room = total - total_error * k_products;
  if (!(room > 0)) return {o, 2 * largest};
  error += (n + 1) * k_u * magnitude + std::abs(o) * total_error;
  return {o, std::min(2 * largest, (error / room + k_u * std::abs(o)) * k_products + k_lost)};
}

}  // namespace

std::vector<approximation> attend_linearly_with_error(std::span<const double> query,
                                                      const head_matrix<double>& keys,
                                                      const head_matrix<double>& values) {
  const std::vector<double> held = linear_weights(query, keys);
  const std::span<const double> weights(held);
  std::vector<approximation> all;
  if (kind_of_weights(weights) != row_kind::ordinary) {
    for (const double each : weighted_mean(weights, values)) all.push_back({each, 0});
    return all;
  }
  const weight_errors errors = errors_of(weights, query, keys);
  const double total = sum_of(weights);
  for (std::int64_t d = 0; d < values.width; ++d) {
    const double beyond = beyond_numbers_weighted(weights, values, d);
    all.push_back(is_finite(beyond) ? mean_of(weights, errors, total, values, d)
                                    : approximation{beyond, 0});
  }
  return all;
}

}  // namespace assay::reference
