#include "properties/layer_norm_properties.hpp"

#include "properties/layer_norm_gradient_properties.hpp"
#include "properties/layer_norm_relations.hpp"

#include <functional>

namespace assay::properties {
namespace {

using namespace layer_norm_relations;

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

}  // namespace

void add_layer_norm_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("a row's bits do not depend on the other rows", broken_independence);
  add("all implementations agree within their bounds", broken_agreement);
  add("a permutation of the channels permutes the results", broken_permutation);
  if (c.direction == "bwd") return add_layer_norm_gradient_properties(c);
  add("a shift of a row moves its mean and nothing else", broken_shift);
  add("a power of two changes no bit where eps is 0", broken_scale);
  add("a row has mean 0 and variance / (variance + eps)", broken_moments);
  if (c.variant == "residual") add("what is normalized is the sum", broken_sum);
}

}  // namespace assay::properties
