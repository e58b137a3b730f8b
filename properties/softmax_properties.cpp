#include "properties/softmax_properties.hpp"

#include "properties/property.hpp"
#include "properties/softmax_mask_properties.hpp"
#include "properties/finite.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/softmax_variant.hpp"
#include "properties/values.hpp"
#include "reference/exact.hpp"
#include "reference/softmax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace assay::properties {
namespace {

// Relative to its terms' magnitudes, the error in double of a sum of n products of up to two values
// of the C library's functions: u for each addition and product, and the functions' own. Twice that
// covers products of such errors and an operation or two behind the sum.
double error_in_double(std::size_t n) {
  return 2 * (double(n + 2) * reference::k_unit_roundoff<double> +
              2 * reference::special<double>::k_error);
}

bool is_ordinary(std::span<const double> x) {
  return reference::kind_of_row(x) == reference::row_kind::ordinary;
}

std::vector<double> row_of(const std::vector<double>& all, const score_rows& rows, std::int64_t r) {
  const auto seen = rows.seen(all, r);
  return {seen.begin(), seen.end()};
}

bool has_added_mask(const case_inputs& in) {
  return in.id.variant == "additive" && in.id.direction == "fwd";
}

// What the kernels take the softmax of, or of whose result the gradient.
std::vector<double> scores_of(const case_inputs& in, const score_rows& rows, std::int64_t r) {
  if (!has_added_mask(in)) return row_of(in.values[0], rows, r);
  return reference::added(rows.seen(in.values[0], r), rows.mask(in.values[k_added_mask], r));
}

// Every score changed, and nothing added to it.
case_inputs with_scores(const subject& s, const std::function<double(double)>& change) {
  case_inputs other = s.with_values(0, change);
  if (has_added_mask(other))
    std::fill(other.values[k_added_mask].begin(), other.values[k_added_mask].end(), 0);
  return other;
}

// What a property says of one row of results, given which row it is.
template <class Says>
std::string each_ordinary_row(const case_inputs& inputs, const Says& says) {
  const score_rows rows = score_rows::of(inputs);
  for (std::int64_t r = 0; r < rows.count; ++r) {
    if (!is_ordinary(scores_of(inputs, rows, r))) continue;
    if (const std::string broken = says(rows, r); !broken.empty())
      return fmt::format("row {}: {}", r, broken);
  }
  return {};
}

// How far e^(y + d) may lie from e^y, |d| <= reach.
double reach_of_exponential(double y, double reach) {
  if (!std::isfinite(y)) return 0;
  return reach < 1 ? std::exp(y) * std::expm1(reach) : std::exp(y + reach);
}

// sum y = 1, or of the logarithms sum e^y = 1.
std::string broken_sum(const subject& s) {
  const bool logarithm = s.of().variant == "log";
  const bounded_output y = s.outputs()[0];
  return each_ordinary_row(s.inputs(), [&](const score_rows& rows, std::int64_t r) {
    double sum = 0, reach = 0;
    const std::vector<double> got = row_of(y.got, rows, r), room = row_of(y.reach, rows, r);
    if (!all_finite(room)) return std::string();
    for (std::size_t j = 0; j < got.size(); ++j) {
      const double p = logarithm ? std::exp(got[j]) : got[j];
      sum += p;
      reach += logarithm ? reach_of_exponential(got[j], room[j]) : room[j];
    }
    const double error = error_in_double(got.size());
    return differ({sum}, {1}, {(1 + error) * reach + error * sum});
  });
}

// Scores on a coarse grid moved by as much as keeps them on it: each difference is what it was.
std::string broken_shift(const subject& s) {
  const auto on_grid = [](double x, double shift) {
    return (std::isfinite(x) ? std::clamp(std::nearbyint(x * 4) / 4, -8.0, 8.0) : 0) + shift;
  };
  const bounded_output here = s.outputs(with_scores(s, [&](double x) { return on_grid(x, 0); }))[0];
  const bounded_output there =
      s.outputs(with_scores(s, [&](double x) { return on_grid(x, -16); }))[0];
  std::vector<double> allowed(here.got.size(), 0);
  for (std::size_t i = 0; i < allowed.size(); ++i)
    if (std::isinf(here.got[i]) && here.got[i] == there.got[i]) allowed[i] = reference::k_infinity;
  return differ(here.got, there.got, allowed);
}

// x_i <= x_j: y_i <= y_j, within both reaches.
std::string broken_order(const subject& s) {
  const bounded_output y = s.outputs()[0];
  return each_ordinary_row(s.inputs(), [&](const score_rows& rows, std::int64_t r) {
    const std::vector<double> x = scores_of(s.inputs(), rows, r), got = row_of(y.got, rows, r),
                              reach = row_of(y.reach, rows, r);
    std::vector<std::size_t> order(x.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::sort(order.begin(), order.end(), [&](auto i, auto j) { return x[i] < x[j]; });
    for (std::size_t k = 1; k < order.size(); ++k) {
      const std::size_t i = order[k - 1], j = order[k];
      if (!std::isfinite(reach[i]) || !std::isfinite(reach[j])) continue;
      if (!(got[i] <= got[j] + reach[i] + reach[j]))
        return fmt::format("x {:a} <= {:a}, but y {:a} > {:a}", x[i], x[j], got[i], got[j]);
    }
    return std::string();
  });
}

// Equal scores: all visible results are 1 / n, or its logarithm.
std::string broken_equality(const subject& s) {
  const case_inputs equal = with_scores(s, [](double) { return 0.75; });
  const bounded_output y = s.outputs(equal)[0];
  return each_ordinary_row(equal, [&](const score_rows& rows, std::int64_t r) {
    const std::vector<double> got = row_of(y.got, rows, r);
    const double share = 1 / double(got.size()),
                 expected = s.of().variant == "log" ? std::log(share) : share;
    std::vector<double> reach = row_of(y.reach, rows, r);
    for (double& each : reach) each += error_in_double(1) * std::abs(expected);
    return differ(got, std::vector<double>(got.size(), expected), reach);
  });
}

// The rows in reverse order, or under a mask the matrices.
std::string broken_independence(const subject& s) {
  const contract& c = s.of();
  const auto pieces = std::size_t(s.inputs().id.dimension(c.dimensions[0]));
  case_inputs turned = s.inputs();
  for (std::size_t t = 0; t < turned.values.size(); ++t)
    if (c.inputs[t].shape.front() == c.dimensions[0])
      turned.values[t] = reversed(turned.values[t], pieces);
  return same_bits(s.outputs()[0].got, reversed(s.outputs(turned)[0].got, pieces));
}

// The same function by another implementation, within both reaches.
std::string broken_agreement(const subject& s) {
  const std::string& other = s.of().implementations.back().name;
  const bounded_output here = s.outputs()[0], there = s.with_implementation(other).outputs()[0];
  std::vector<double> allowed;
  const truth exact = s.of().exact(s.inputs())[0];
  for (std::size_t i = 0; i < here.got.size(); ++i)
    allowed.push_back(std::isfinite(exact.value[i]) ? here.reach[i] + there.reach[i]
                                                    : reference::k_infinity);
  return differ(here.got, there.got, allowed);
}

// softmax(x / 2^k) of the scores divided before: with a temperature that is a power of two every
// exponent is what it was.
std::string broken_temperature(const subject& s) {
  case_inputs warm = s.with_values(
                  0, [](double x) { return std::isfinite(x) && std::abs(x) < 1e4 ? x : 0; }),
              cold = warm;
  warm.parameters = {2};
  cold.parameters = {1};
  const dtype type = warm.id.types[0].type;
  for (double& x : cold.values[0]) x = round_to(type, x / 2);
  const bounded_output here = s.outputs(warm)[0], there = s.outputs(cold)[0];
  std::vector<double> allowed;
  for (std::size_t i = 0; i < here.got.size(); ++i)
    allowed.push_back(warm.values[0][i] / 2 == cold.values[0][i] ? here.reach[i] + there.reach[i]
                                                                 : reference::k_infinity);
  return differ(here.got, there.got, allowed);
}

// sum dx = (1 - sum y) sum y dy / temperature, which is 0 where y sums to 1; of the logarithm
// (1 - sum e^y) sum dy.
std::string broken_gradient_sum(const subject& s) {
  const bounded_output dx = s.outputs()[0];
  const bool logarithm = s.of().variant == "log";
  const double temperature = s.inputs().parameters.empty() ? 1 : s.inputs().parameters[0];
  return each_ordinary_row(s.inputs(), [&](const score_rows& rows, std::int64_t r) {
    const std::vector<double> dy = row_of(s.inputs().values[1], rows, r),
                              got = row_of(dx.got, rows, r), reach = row_of(dx.reach, rows, r);
    std::vector<double> y = row_of(s.inputs().values[0], rows, r);
    if (!all_finite(y) || !all_finite(dy) || !all_finite(reach)) return std::string();
    if (logarithm)
      for (double& each : y) each = std::exp(each);
    double mass = 0, dot = 0, terms = 0, sum = 0, results = 0, room = 0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      const double term = logarithm ? dy[j] : y[j] * dy[j];
      mass += y[j];
      dot += term;
      terms += std::abs(term);
      sum += got[j];
      results += std::abs(got[j]);
      room += reach[j];
    }
    const double error = error_in_double(y.size());
    const double doubles =
        error * (terms * (std::abs(mass) + std::abs(1 - mass)) / temperature + results);
    return differ({sum}, {(1 - mass) * dot / temperature}, {(1 + error) * room + doubles});
  });
}

// backward(y, 2 dy) = 2 backward(y, dy).
std::string broken_linearity(const subject& s) {
  case_inputs twice = s.with_values(1, [](double dy) { return 2 * dy; });
  const dtype type = twice.id.types[1].type;
  for (double& dy : twice.values[1]) dy = round_to(type, dy);
  const bounded_output once = s.outputs()[0], here = s.outputs(twice)[0];
  const truth exact = s.of().exact(twice)[0];
  std::vector<double> doubled, allowed;
  for (std::size_t i = 0; i < once.got.size(); ++i) {
    doubled.push_back(2 * once.got[i]);
    allowed.push_back(std::isfinite(exact.value[i]) ? 2 * once.reach[i] + here.reach[i]
                                                    : reference::k_infinity);
  }
  return differ(here.got, doubled, allowed);
}

// sum dy dx = (sum y dy^2 - (sum y dy)^2) / temperature, which Cauchy and Schwarz leave nonnegative
// where y >= 0 sums to 1; where it sums to 1 + e, above -e sum y dy^2.
std::string broken_rise(const subject& s) {
  const bounded_output dx = s.outputs()[0];
  const double temperature = s.inputs().parameters.empty() ? 1 : s.inputs().parameters[0];
  return each_ordinary_row(s.inputs(), [&](const score_rows& rows, std::int64_t r) {
    const std::vector<double> y = row_of(s.inputs().values[0], rows, r),
                              dy = row_of(s.inputs().values[1], rows, r),
                              got = row_of(dx.got, rows, r), reach = row_of(dx.reach, rows, r);
    const bool shares = std::all_of(y.begin(), y.end(), [](double each) { return each >= 0; });
    if (!shares || !all_finite(dy) || !all_finite(reach)) return std::string();
    const double error = error_in_double(y.size());
    double mass = 0, square = 0, rise = 0, room = 0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      mass += y[j];
      square += y[j] * dy[j] * dy[j];
      rise += got[j] * dy[j];
      room += (reach[j] + error * (reach[j] + std::abs(got[j]))) * std::abs(dy[j]);
    }
    room += (std::max(0.0, mass - 1) + error * mass) * square / temperature;
    if (!(rise >= -room))
      return fmt::format("the function falls along its gradient, by {:.3g}", -rise);
    return std::string();
  });
}

// A gradient from above that sums to 0 passes the logarithm unchanged.
std::string broken_passage(const subject& s) {
  case_inputs even = s.inputs();
  const score_rows rows = score_rows::of(even);
  for (std::int64_t r = 0; r < rows.count; ++r)
    for (std::int64_t j = 0; j < rows.length; ++j) {
      const bool alone = j + 1 == rows.visible(r) && j % 2 == 0;
      even.values[1][std::size_t(r * rows.length + j)] = alone ? 0 : j % 2 == 0 ? 1 : -1;
    }
  const bounded_output dx = s.outputs(even)[0];
  return each_ordinary_row(even, [&](const score_rows& all, std::int64_t r) {
    const std::vector<double> got = row_of(dx.got, all, r), dy = row_of(even.values[1], all, r);
    if (!all_finite(row_of(dx.reach, all, r))) return std::string();  // e^y may overflow
    return differ(got, dy, std::vector<double>(got.size(), 0));
  });
}

}  // namespace

void add_softmax_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("the order of the rows changes no bit", broken_independence);
  add("all implementations agree within their bounds", broken_agreement);
  add_softmax_mask_properties(c);
  if (c.direction == "bwd") {
    add("the gradient of a row sums to 0, as far as y sums to 1", broken_gradient_sum);
    add("the gradient is linear in the gradient from above", broken_linearity);
    if (c.variant == "log")
      add("a gradient from above that sums to 0 passes unchanged", broken_passage);
    else
      add("the function rises along its gradient", broken_rise);
    return;
  }
  add("a row sums to 1", broken_sum);
  add("a shift of a row's scores changes no bit", broken_shift);
  add("a row keeps its order", broken_order);
  add("equal scores share equally", broken_equality);
  if (c.variant == "temperature")
    add("a temperature of 2 is half of every score", broken_temperature);
}

}  // namespace assay::properties
