#include "properties/layer_norm_properties.hpp"

#include "properties/layer_norm_rows.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace assay::properties {
namespace {

using results = std::vector<bounded_output>;

// Relative to its terms' magnitudes, the error in double of a sum of n products of a few factors.
double error_in_double(std::size_t n) {
  return 2 * double(n + 8) * reference::k_unit_roundoff<double>;
}

std::size_t place_of(const subject& s, const std::string& input) {
  const auto& inputs = s.of().inputs;
  return std::size_t(std::find_if(inputs.begin(), inputs.end(),
                                  [&](const tensor_spec& each) { return each.name == input; }) -
                     inputs.begin());
}
std::size_t output_of(const subject& s, const std::string& output) {
  const auto& outputs = s.of().outputs;
  return std::size_t(std::find_if(outputs.begin(), outputs.end(),
                                  [&](const tensor_spec& each) { return each.name == output; }) -
                     outputs.begin());
}

bool all_finite(std::span<const double> row) {
  return std::all_of(row.begin(), row.end(), [](double x) { return std::isfinite(x); });
}

// `left` and `right` times `factor`, within both reaches.
std::string within_reaches(const bounded_output& left, const bounded_output& right,
                           double factor = 1) {
  std::vector<double> expected, allowed;
  for (std::size_t i = 0; i < left.got.size(); ++i) {
    expected.push_back(factor * right.got[i]);
    allowed.push_back(left.reach[i] + std::abs(factor) * right.reach[i]);
  }
  return differ(left.got, expected, allowed);
}

std::string named(const subject& s, std::size_t output, const std::string& broken) {
  return broken.empty() ? broken : fmt::format("{} {}", s.of().outputs[output].name, broken);
}

bool has_rows(const tensor_spec& tensor) { return tensor.shape.front() == "rows"; }
bool has_channels(const tensor_spec& tensor) { return tensor.shape.back() == "c"; }

// A tensor with its rows, or within each row its channels, in reverse order.
std::vector<double> turned(const tensor_spec& tensor, const matrix_shape& shape, bool channels,
                           const std::vector<double>& values) {
  if (!channels) return has_rows(tensor) ? reversed(values, std::size_t(shape.rows)) : values;
  if (!has_channels(tensor)) return values;
  std::vector<double> all = values;
  for (std::size_t at = 0; at < all.size() && shape.length > 0; at += std::size_t(shape.length))
    std::reverse(all.begin() + std::ptrdiff_t(at),
                 all.begin() + std::ptrdiff_t(at + std::size_t(shape.length)));
  return all;
}

// The results of the inputs turned, turned back.
results of_turned(const subject& s, bool channels) {
  const matrix_shape shape = matrix_shape::of(s.inputs().id);
  case_inputs inputs = s.inputs();
  for (std::size_t t = 0; t < inputs.values.size(); ++t)
    inputs.values[t] = turned(s.of().inputs[t], shape, channels, inputs.values[t]);
  results all = s.outputs(inputs);
  for (std::size_t k = 0; k < all.size(); ++k) {
    all[k].got = turned(s.of().outputs[k], shape, channels, all[k].got);
    all[k].reach = turned(s.of().outputs[k], shape, channels, all[k].reach);
  }
  return all;
}

// Results of rows keep their bits; those that are sums over rows move within both reaches.
std::string broken_independence(const subject& s) {
  const results here = s.outputs(), there = of_turned(s, false);
  for (std::size_t k = 0; k < here.size(); ++k) {
    const std::string broken = has_rows(s.of().outputs[k]) ? same_bits(here[k].got, there[k].got)
                                                           : within_reaches(here[k], there[k]);
    if (!broken.empty()) return named(s, k, broken);
  }
  return {};
}

std::string unlike(const subject& s, const results& here, const results& there) {
  for (std::size_t k = 0; k < here.size(); ++k)
    if (const std::string broken = within_reaches(here[k], there[k]); !broken.empty())
      return named(s, k, broken);
  return {};
}

std::string broken_permutation(const subject& s) {
  return unlike(s, s.outputs(), of_turned(s, true));
}

std::string broken_agreement(const subject& s) {
  return unlike(s, s.outputs(),
                s.with_implementation(s.of().implementations.back().name).outputs());
}

// x on a coarse grid that every dtype has, put through `change`; nothing added to it.
case_inputs on_grid(const subject& s, const std::function<double(double)>& change) {
  case_inputs inputs = s.with_values(0, [&](double x) {
    return change(std::isfinite(x) ? std::clamp(std::nearbyint(x * 4) / 4, -8.0, 8.0) : 0);
  });
  if (s.of().variant == "residual") std::fill(inputs.values[1].begin(), inputs.values[1].end(), 0);
  return inputs;
}

// x - 16: y and rstd are what they were, and the mean is 16 less.
std::string broken_shift(const subject& s) {
  const results here = s.outputs(on_grid(s, [](double x) { return x; })),
                there = s.outputs(on_grid(s, [](double x) { return x - 16; }));
  for (const char* name : {"y", "rstd"}) {
    const std::size_t k = output_of(s, name);
    if (const std::string broken = within_reaches(here[k], there[k]); !broken.empty())
      return named(s, k, broken);
  }
  if (matrix_shape::of(s.inputs().id).length == 0) return {};  // there is nothing to be moved
  const std::size_t k = output_of(s, "mean");
  bounded_output moved = there[k];
  for (double& mean : moved.got) mean += 16;  // exact: means of fp32 above -24
  return named(s, k, within_reaches(here[k], moved));
}

// 4 x with eps = 0: y bit for bit, 4 mean, rstd / 4. (rstd is 0 where there is no spread.)
std::string broken_scale(const subject& s) {
  case_inputs once = on_grid(s, [](double x) { return x; }),
              larger = on_grid(s, [](double x) { return 4 * x; });
  once.parameters[0] = larger.parameters[0] = 0;
  const results here = s.outputs(once), there = s.outputs(larger);
  for (const auto& [name, factor] : {std::pair{"y", 1.0}, {"mean", 4.0}, {"rstd", 0.25}}) {
    const std::size_t k = output_of(s, name);
    std::vector<double> expected, allowed;
    for (std::size_t i = 0; i < here[k].got.size(); ++i) {
      expected.push_back(factor * here[k].got[i]);
      // Where nothing is promised, or the gammas are none, results may be no numbers.
      allowed.push_back(std::isfinite(here[k].reach[i]) ? 0 : reference::k_infinity);
    }
    if (const std::string broken = differ(there[k].got, expected, allowed); !broken.empty())
      return named(s, k, broken);
  }
  return {};
}

// gamma = 1, beta = 0: sum y = 0, and sum y^2 / n = variance / (variance + eps), which is 1 but for
// eps.
std::string broken_moments(const subject& s) {
  const bool residual = s.of().variant == "residual";
  case_inputs inputs = s.inputs();
  for (const auto& [name, value] : {std::pair{"gamma", 1.0}, {"beta", 0.0}}) {
    auto& tensor = inputs.values[place_of(s, name)];
    std::fill(tensor.begin(), tensor.end(), value);
  }
  const layer_norm_inputs given = layer_norm_inputs::of(inputs, residual);
  const bounded_output y = s.outputs(inputs)[output_of(s, "y")];
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const auto x = given.shape.row(given.x, r), got = given.shape.row(y.got, r),
               reach = given.shape.row(y.reach, r);
    if (x.empty() || !all_finite(x) || !all_finite(reach)) continue;
    const std::vector<double> nothing(x.size(), 0), one(x.size(), 1);
    const auto exact = reference::layer_norm_with_error(x, one, nothing, given.eps);
    const double n = double(x.size()), rstd = exact.rstd.value;
    // variance / (variance + eps) = 1 - eps rstd^2, or 0 where there is no spread; rstd's own
    // error.
    const double expected = rstd == 0 ? 0 : 1 - given.eps * rstd * rstd;
    double sum = 0, squares = 0, room = 0, rooms = 0, size = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      sum += got[j];
      size += std::abs(got[j]);
      squares += got[j] * got[j];
      room += reach[j];
      rooms += 2 * std::abs(got[j]) * reach[j] + reach[j] * reach[j];
    }
    const double error = error_in_double(x.size()),
                 off = given.eps * (2 * rstd + exact.rstd.error) * exact.rstd.error;
    std::string broken = differ({sum}, {0}, {(1 + error) * room + error * size});
    if (broken.empty())
      broken = differ({squares / n}, {expected},
                      {((1 + error) * rooms + error * squares) / n + off + error});
    if (!broken.empty()) return fmt::format("row {}: {}", r, broken);
  }
  return {};
}

// What comes of x and residual is what comes of their sum.
std::string broken_sum(const subject& s) {
  const results here = s.outputs();
  case_inputs plain = s.inputs();
  plain.id.variant = "plain";
  std::erase_if(plain.id.types, [](const tensor_type& each) {
    return each.name == "residual" || each.name == "sum";
  });
  plain.values = {here[0].got, s.inputs().values[2], s.inputs().values[3]};
  const results there = s.with_function(plain).outputs();
  for (std::size_t k = 0; k < there.size(); ++k)
    if (const std::string broken = same_bits(there[k].got, here[k + 1].got); !broken.empty())
      return named(s, k + 1, broken);
  return {};
}

// The sums of a row of dx, and of dx xhat, as the formula has them: rstd (sum w - n a - b sum xhat)
// and rstd (sum w xhat - a sum xhat - b sum xhat^2), a and b the means of w and w xhat. Where the
// statistics are x's own, sum xhat is 0 and sum xhat^2 nearly n: both sums are nearly 0.
std::string broken_orthogonality(const subject& s) {
  const bool residual = s.of().variant == "residual";
  const auto given = layer_norm_gradient_inputs::of(s.inputs(), residual);
  const bounded_output dx = s.outputs()[0];
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const auto got = given.shape.row(dx.got, r), reach = given.shape.row(dx.reach, r),
               x = given.shape.row(given.x, r), dy = given.shape.row(given.dy, r);
    if (x.empty() || !all_finite(reach)) continue;
    const auto statistics = given.statistics(r);
    const std::vector<double> xhat = reference::normalized(x, statistics);
    const double n = double(x.size());
    double a = 0, b = 0, sizes_a = 0, sizes_b = 0, most = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double w = given.gamma[j] * dy[j];
      a += w / n, sizes_a += std::abs(w) / n;
      b += w * xhat[j] / n, sizes_b += std::abs(w * xhat[j]) / n;
      most = std::max(most, std::abs(xhat[j]));
    }
    double sum = 0, dot = 0, room = 0, rooms = 0, sums = 0, dots = 0, sizes = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double other = residual ? (*given.dsum)[std::size_t(r * given.shape.length) + j] : 0;
      const double w = given.gamma[j] * dy[j], mine = got[j] - other,
                   right = statistics.rstd * (w - a - xhat[j] * b);
      sum += mine, sums += right;
      dot += mine * xhat[j], dots += right * xhat[j];
      room += reach[j], rooms += reach[j] * std::abs(xhat[j]);
      sizes += std::abs(got[j]) + std::abs(other) +
               std::abs(statistics.rstd) * (std::abs(w) + sizes_a + std::abs(xhat[j]) * sizes_b);
    }
    const double error = error_in_double(x.size());
    std::string broken = differ({sum}, {sums}, {(1 + error) * room + error * sizes});
    if (broken.empty())
      broken = differ({dot}, {dots}, {(1 + error) * rooms + error * most * sizes});
    if (!broken.empty()) return fmt::format("row {}: {}", r, broken);
  }
  return {};
}

std::string broken_beta(const subject& s) {
  const matrix_shape shape = matrix_shape::of(s.inputs().id);
  const bounded_output dbeta = s.outputs()[2];
  std::vector<double> sums, allowed;
  for (std::int64_t j = 0; j < shape.length; ++j) {
    const reference::approximation sum =
        reference::sum_with_error(shape.column(s.inputs().values[0], j));
    sums.push_back(sum.value);
    allowed.push_back(dbeta.reach[std::size_t(j)] + sum.error);
  }
  return differ(dbeta.got, sums, allowed);
}

std::string broken_linearity(const subject& s) {
  case_inputs twice = s.inputs();
  for (const char* name : {"dy", "dsum"}) {
    const std::size_t t = place_of(s, name);
    if (t == twice.values.size()) continue;
    for (double& each : twice.values[t]) each = round_to(twice.id.types[t].type, 2 * each);
  }
  const results once = s.outputs(), here = s.outputs(twice);
  for (std::size_t k = 0; k < once.size(); ++k)
    if (const std::string broken = within_reaches(here[k], once[k], 2); !broken.empty())
      return named(s, k, broken);
  return {};
}

// Other gammas: dgamma and dbeta keep their bits.
std::string broken_own_scale(const subject& s) {
  const results here = s.outputs(),
                there = s.outputs(s.with_values(2, [](double) { return -1.5; }));
  for (std::size_t k : {1u, 2u}) {
    std::vector<double> allowed;
    for (double reach : here[k].reach)
      allowed.push_back(std::isfinite(reach) ? 0 : reference::k_infinity);
    if (const std::string broken = differ(here[k].got, there[k].got, allowed); !broken.empty())
      return named(s, k, broken);
  }
  return {};
}

// dy = 0: dx is what else reaches the sum, or 0; dgamma and dbeta are 0.
std::string broken_silence(const subject& s) {
  const case_inputs silent = s.with_values(0, [](double) { return 0; });
  const results got = s.outputs(silent);
  for (std::size_t k = 0; k < got.size(); ++k) {
    const bool added = k == 0 && s.of().variant == "residual";
    std::vector<double> expected(got[k].got.size(), 0), allowed;
    if (added) expected = silent.values[5];
    for (double reach : got[k].reach)
      allowed.push_back(std::isfinite(reach) ? 0 : reference::k_infinity);
    if (const std::string broken = differ(got[k].got, expected, allowed); !broken.empty())
      return named(s, k, broken);
  }
  return {};
}

}  // namespace

void add_layer_norm_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("a row's bits do not depend on the other rows", broken_independence);
  add("all implementations agree within their bounds", broken_agreement);
  add("a permutation of the channels permutes the results", broken_permutation);
  if (c.direction == "bwd") {
    add("dx has with 1 and with xhat the products of the formula", broken_orthogonality);
    add("dbeta is the sum of dy", broken_beta);
    add("the gradients are linear in the gradient from above", broken_linearity);
    add("gamma changes no bit of dgamma and dbeta", broken_own_scale);
    add("nothing from above gives nothing below", broken_silence);
    return;
  }
  add("a shift of a row moves its mean and nothing else", broken_shift);
  add("a power of two changes no bit where eps is 0", broken_scale);
  add("a row has mean 0 and variance / (variance + eps)", broken_moments);
  if (c.variant == "residual") add("what is normalized is the sum", broken_sum);
}

}  // namespace assay::properties
