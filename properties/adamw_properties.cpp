#include "properties/adamw_properties.hpp"

#include "properties/adamw_shape.hpp"
#include "properties/moderate.hpp"
#include "properties/property.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace assay::properties {
namespace {

// What double's own roundings, a few of numbers of this magnitude, may come to.
double in_double(double magnitude) { return std::isfinite(magnitude) ? 0x1p-50 * magnitude : 0; }

case_inputs with_parameters(case_inputs in,
                            const std::vector<std::pair<adamw_parameter, double>>& those) {
  for (const auto& [which, value] : those) in = with_parameter(std::move(in), which, value);
  return in;
}

void fill(std::vector<double>& all, double value) { std::fill(all.begin(), all.end(), value); }

case_inputs moderately(const subject& s) {
  case_inputs in = s.inputs();
  for (const adamw_input each : {k_weight, k_gradient, k_mean, k_square})
    for (double& x : in.values[each]) x = moderate(x);
  for (double& square : in.values[k_square]) square = std::abs(square);
  in.values[k_factor][0] = 1;
  return in;
}

// Every tensor but the factor put through change(tensor, elements).
template <class Change>
case_inputs rearranged(const subject& s, const Change& change) {
  case_inputs in = s.inputs();
  for (const adamw_input each : {k_weight, k_gradient, k_mean, k_square}) change(in.values[each]);
  in.id.shape.front().value = std::int64_t(in.values[k_weight].size());
  return in;
}

std::string broken_batch(const subject& s) {
  const auto half = std::ptrdiff_t(s.elements() / 2);
  using elements = std::vector<double>;
  const auto whole = s.outputs(),
             left = s.outputs(rearranged(s, [&](elements& x) { x.resize(std::size_t(half)); })),
             right = s.outputs(
                 rearranged(s, [&](elements& x) { x.erase(x.begin(), x.begin() + half); })),
             turned =
                 s.outputs(rearranged(s, [](elements& x) { std::reverse(x.begin(), x.end()); }));
  for (std::size_t k = 0; k < whole.size(); ++k) {
    elements parts = left[k].got, back = turned[k].got;
    parts.insert(parts.end(), right[k].got.begin(), right[k].got.end());
    std::reverse(back.begin(), back.end());
    for (const elements* other : {&parts, &back})
      if (std::string what = same_bits(whole[k].got, *other); !what.empty()) return what;
  }
  return {};
}

// Without a gradient, moments and decay nothing moves.
std::string broken_rest(const subject& s) {
  case_inputs in = with_parameters(s.inputs(), {{k_decay, 0}, {k_eps, 0.5}});
  for (double& w : in.values[k_weight]) w = std::isfinite(w) ? w : 1;
  for (const adamw_input each : {k_gradient, k_mean, k_square}) fill(in.values[each], 0);
  const std::vector<bounded_output> out = s.outputs(in);
  if (std::string what = same_bits(out[k_new_weight].got, in.values[k_weight]); !what.empty())
    return what;
  for (const adamw_output each : {k_new_mean, k_new_square})
    for (const double x : out[each].got)
      if (x != 0) return fmt::format("a moment of nothing is {:a}", x);
  return {};
}

// What decays is the weight alone: w (1 - rate decay), and no moment knows of it.
std::string broken_decay(const subject& s) {
  case_inputs in = moderately(s);
  for (const adamw_input each : {k_gradient, k_mean, k_square}) fill(in.values[each], 0);
  in = with_parameters(in, {{k_rate, 0.25}, {k_decay, 0.5}, {k_eps, 0.5}});
  const std::vector<bounded_output> out = s.outputs(in);
  for (const adamw_output each : {k_new_mean, k_new_square})
    for (const double x : out[each].got)
      if (x != 0) return fmt::format("a moment of nothing is {:a}", x);
  std::vector<double> expected = in.values[k_weight];
  for (double& w : expected) w *= 0.875;
  return differ(out[k_new_weight].got, expected, out[k_new_weight].reach);
}

// The mirror image of a step is the step of the mirror image; squares have none.
std::string broken_mirror(const subject& s) {
  case_inputs in = s.inputs();
  for (const adamw_input each : {k_weight, k_gradient, k_mean})
    for (double& x : in.values[each]) x = -x;
  const std::vector<bounded_output> here = s.outputs();
  std::vector<bounded_output> there = s.outputs(in);
  for (std::size_t k = 0; k < there.size(); ++k)
    if (k != k_new_square)
      for (double& x : there[k].got) x = x == 0 ? x : -x;  // a sum of 0 is +0 in both
  const auto unsigned_zeros = [](std::vector<bounded_output> all) {
    for (bounded_output& each : all)
      for (double& x : each.got) x = x == 0 ? 0 : x;
    return all;
  };
  return unlike(unsigned_zeros(here), unsigned_zeros(there));
}

// Without eps the step is the same for gradients of any magnitude: by powers of two, bit for bit.
std::string broken_scale(const subject& s) {
  case_inputs in = with_parameters(
      moderately(s),
      {{k_eps, 0}, {k_beta1, 0.75}, {k_beta2, 0.875}, {k_rate, 0.5}, {k_decay, 0.125}});
  case_inputs larger = in;
  for (const adamw_input each : {k_gradient, k_mean})
    for (double& x : larger.values[each]) x *= 8;
  for (double& x : larger.values[k_square]) x *= 64;
  std::vector<bounded_output> here = s.outputs(in);
  const std::vector<bounded_output> there = s.outputs(larger);
  for (double& x : here[k_new_mean].got) x *= 8;
  for (double& x : here[k_new_square].got) x *= 64;
  return unlike(here, there);
}

// m / (1 - beta1) and v / (1 - beta2) are g and g^2 in a first step from nothing: it is as long as
// the rate, and against the gradient.
std::string broken_first_step(const subject& s) {
  case_inputs in = moderately(s);
  for (const adamw_input each : {k_mean, k_square}) fill(in.values[each], 0);
  in = with_parameters(in, {{k_rate, 0.5}, {k_eps, 0}, {k_decay, 0}, {k_step, 1}});
  const bounded_output w = s.outputs(in)[k_new_weight];
  std::vector<double> expected = in.values[k_weight];
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] -= std::copysign(0.5, in.values[k_gradient][i]);
  return differ(w.got, expected, w.reach);
}

// Moments do not depend on weights, nor on what is done to them.
std::string broken_moments(const subject& s) {
  case_inputs in = with_parameters(s.inputs(), {{k_rate, 0.75}, {k_eps, 0.5}, {k_decay, 0.25}});
  for (double& w : in.values[k_weight]) w = 1;
  const auto moments = [](const std::vector<bounded_output>& all) {
    return std::vector{all[k_new_mean], all[k_new_square]};
  };
  return unlike(moments(s.outputs()), moments(s.outputs(in)));
}

// A moment lies between what it was and what the gradient makes of it.
std::string broken_means(const subject& s) {
  const case_inputs in = moderately(s);
  const std::vector<bounded_output> out = s.outputs(in);
  for (const adamw_output which : {k_new_mean, k_new_square}) {
    const bool squares = which == k_new_square;
    for (std::size_t i = 0; i < out[which].got.size(); ++i) {
      const double g = in.values[k_gradient][i], was = in.values[squares ? k_square : k_mean][i],
                   is = squares ? g * g : g, got = out[which].got[i],
                   room = out[which].reach[i] + in_double(std::abs(is) + std::abs(was));
      if (!(got >= std::min(is, was) - room && got <= std::max(is, was) + room))
        return fmt::format("at {}: {:a} is not between {:a} and {:a}", i, got, was, is);
    }
  }
  return {};
}

// A factor is a factor of the gradient: half of it, and half the gradient.
std::string broken_factor(const subject& s) {
  case_inputs by_factor = moderately(s), by_hand = by_factor;
  by_factor.values[k_factor][0] = 0.5;
  for (double& g : by_hand.values[k_gradient]) g *= 0.5;
  return unlike(s.outputs(by_factor), s.outputs(by_hand));
}

// A factor that is no number, of a norm that is none, leaves nothing that looks like a result.
std::string broken_spoilt_factor(const subject& s) {
  case_inputs in = moderately(s);
  in.values[k_factor][0] = reference::k_nan;
  for (const bounded_output& each : s.outputs(in))
    for (const double x : each.got)
      if (!std::isnan(x)) return fmt::format("{:a} by a factor of NaN", x);
  return {};
}

// Not the truth rounded, but what the step has stored: a model computes with its masters' image.
std::string broken_copy(const subject& s) {
  const std::vector<bounded_output> out = s.outputs();
  std::vector<double> rounded = out[k_new_weight].got;
  for (double& w : rounded) w = round_to(s.output_type(k_copy), w);
  return same_bits(rounded, out[k_copy].got);
}

// Everything but the copy is what adamw.step gives for the same inputs, wherever they lie.
std::string broken_step(const subject& s) {
  case_inputs in = s.inputs();
  in.id.variant = "step";
  in.id.types.pop_back();
  const std::vector<bounded_output> copied = s.outputs(), step = s.with_function(in).outputs();
  for (std::size_t k = 0; k < step.size(); ++k)
    if (std::string what = same_bits(step[k].got, copied[k].got); !what.empty()) return what;
  return {};
}

}  // namespace

void add_adamw_properties(contract& c) {
  c.properties = {
      {"cutting or reversing the batch changes no bit of an element", broken_batch},
      {"without gradient, moments and decay the weight stays what it is", broken_rest},
      {"decay is the rate's and the weight's alone", broken_decay},
      {"a step of everything mirrored is the step, mirrored", broken_mirror},
      {"without eps a power of two in the gradients moves weights by the same bits", broken_scale},
      {"a first step from nothing is as long as the rate, against the gradient", broken_first_step},
      {"moments do not depend on weights, rate, eps and decay", broken_moments},
      {"a moment lies between what it was and the gradient's", broken_means},
      {"half the factor is half the gradient", broken_factor},
      {"a factor of NaN makes everything NaN", broken_spoilt_factor},
  };
  if (c.outputs.size() <= k_copy) return;
  c.properties.push_back({"the copy is the new weight, rounded", broken_copy});
  c.properties.push_back({"weights and moments are those of a step without a copy", broken_step});
}

}  // namespace assay::properties
