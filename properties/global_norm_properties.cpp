#include "properties/global_norm_properties.hpp"

#include "properties/moderate.hpp"
#include "properties/property.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

enum norm_output : std::size_t { k_norm, k_factor };
constexpr std::size_t k_gradients = 0, k_limit = 0;

case_inputs with_gradients(const subject& s, std::vector<double> gradients) {
  case_inputs in = s.inputs();
  in.values[k_gradients] = std::move(gradients);
  in.id.shape.front().value = std::int64_t(in.values[k_gradients].size());
  return in;
}

// Exactly this norm and this factor?
std::string is_not(const std::vector<bounded_output>& out, double norm, double factor) {
  for (const auto& [k, expected] : {std::pair{k_norm, norm}, {k_factor, factor}})
    if (!reference::same(out[k].got[0], expected))
      return fmt::format("the {} is {:a}, not {:a}", k == k_norm ? "norm" : "factor", out[k].got[0],
                         expected);
  return {};
}

std::string broken_order(const subject& s) {
  std::vector<double> turned = s.inputs().values[k_gradients];
  std::reverse(turned.begin(), turned.end());
  return differ_in_reach(s.outputs(), s.outputs(with_gradients(s, std::move(turned))));
}

std::string broken_signs(const subject& s) {
  std::size_t i = 0;
  return unlike(s.outputs(),
                s.outputs(s.with_values(k_gradients, [&](double g) { return i++ % 3 ? -g : g; })));
}

// Squares of the norms of two parts add up to that of the whole. A hypotenuse changes by no more
// than its sides do.
std::string broken_parts(const subject& s) {
  const std::vector<double>& all = s.inputs().values[k_gradients];
  const auto third = all.begin() + std::ptrdiff_t(all.size() / 3);
  const bounded_output whole = s.outputs()[k_norm],
                       left = s.outputs(with_gradients(s, {all.begin(), third}))[k_norm],
                       right = s.outputs(with_gradients(s, {third, all.end()}))[k_norm];
  const double expected = std::hypot(left.got[0], right.got[0]);
  return differ(whole.got, {expected},
                {whole.reach[0] + left.reach[0] + right.reach[0] +
                 (std::isfinite(expected) ? 0x1p-50 * expected : 0)});
}

// Gradients and limit times 8: the norm is, too, and the factor is what it was, bit for bit.
std::string broken_scale(const subject& s) {
  const case_inputs in = with_parameter(s.with_values(k_gradients, moderate), k_limit, 1.5);
  case_inputs larger = with_parameter(in, k_limit, 12);
  for (double& g : larger.values[k_gradients]) g *= 8;
  std::vector<bounded_output> here = s.outputs(in);
  here[k_norm].got[0] *= 8;
  return unlike(here, s.outputs(larger));
}

// Radix 2: sqrt(x x), each rounded, is |x| (Boldo, "Stupid is as stupid does: taking the square
// root of the square of a floating-point number", 2015).
std::string broken_single(const subject& s) {
  std::vector<double> all = s.inputs().values[k_gradients];
  if (all.empty()) return {};
  const std::size_t at = all.size() - 1 - s.inputs().id.seed % all.size();
  const double x = std::copysign(moderate(all[at]), -1);
  std::fill(all.begin(), all.end(), 0);
  all[at] = x;
  return is_not(s.outputs(with_parameter(with_gradients(s, std::move(all)), k_limit, 16)), -x, 1);
}

std::string broken_nothing(const subject& s) {
  for (const double limit : {0.0, 1.0})
    if (std::string what =
            is_not(s.outputs(with_parameter(s.with_values(k_gradients, [](double) { return 0; }),
                                            k_limit, limit)),
                   0, 1);
        !what.empty())
      return what;
  return {};
}

// A NaN, an infinity of either sign, both: anywhere.
std::string broken_no_numbers(const subject& s) {
  if (s.elements() == 0) return {};
  const auto with = [&](double last, double first) {
    std::vector<double> all = s.inputs().values[k_gradients];
    for (double& g : all) g = moderate(g);
    all.front() = first, all.back() = last;
    return s.outputs(with_gradients(s, std::move(all)));
  };
  constexpr double k_inf = reference::k_infinity, k_nan = reference::k_nan;
  for (const double infinite : {k_inf, -k_inf})
    if (std::string what = is_not(with(infinite, infinite), k_inf, k_nan); !what.empty())
      return what;
  for (const double other : {k_nan, s.elements() > 1 ? k_inf : k_nan})
    if (std::string what = is_not(with(k_nan, other), k_nan, k_nan); !what.empty()) return what;
  return {};
}

// Below the limit the factor is 1 and nothing else; and the limit does nothing to the norm.
std::string broken_below(const subject& s) {
  const std::vector<bounded_output> here = s.outputs();
  const double above = reference::next_up(
      reference::k_fp32, round_to(dtype::fp32, here[k_norm].got[0] + here[k_norm].reach[0]));
  if (here[k_norm].reach[0] == reference::k_infinity) return {};
  if (std::string what = no_number(here[k_norm], 0); !what.empty()) return what;
  if (!(above >= 0 && above < 0x1p126)) return {};
  return is_not(s.outputs(with_parameter(s.inputs(), k_limit, above)), here[k_norm].got[0], 1);
}

// What is clipped has a norm within the limit: each product with the factor rounds once, to its
// dtype, u of itself or half of the smallest number off; the factor times the norm is at most the
// limit, but for what the factor is off by.
std::string broken_clipping(const subject& s) {
  const std::vector<bounded_output> here = s.outputs();
  for (const bounded_output& each : here)
    if (std::string what = no_number(each, 0); !what.empty()) return what;
  const double most = here[k_norm].got[0] + here[k_norm].reach[0],
               limit = s.inputs().parameters[k_limit];
  if (!std::isfinite(most) || !std::isfinite(here[k_factor].reach[0])) return {};
  const dtype type = s.inputs().id.types[k_gradients].type;
  const reference::format f = format_of(type);
  const bounded_output clipped = s.outputs(s.with_values(
      k_gradients, [&](double g) { return round_to(type, g * here[k_factor].got[0]); }))[k_norm];
  const double room =
      (limit + here[k_factor].reach[0] * most) * (1 + std::ldexp(1.0, -f.precision) + 0x1p-50) +
      std::sqrt(double(s.elements())) * reference::half_ulp(f, 0) + clipped.reach[0];
  if (clipped.got[0] <= room || room == reference::k_infinity) return {};
  return fmt::format("clipped to {:a}, and the norm is {:a}", limit, clipped.got[0]);
}

}  // namespace

void add_global_norm_properties(contract& c) {
  c.properties = {
      {"gradients in another order give the same", broken_order},
      {"signs change no bit", broken_signs},
      {"squares of parts add up", broken_parts},
      {"a power of two goes through to the last bit", broken_scale},
      {"the norm of one number is its magnitude", broken_single},
      {"nothing has a norm of 0, which is not clipped", broken_nothing},
      {"a NaN and an infinity go through, and clip to NaN", broken_no_numbers},
      {"below the limit the factor is 1, and the norm what it is", broken_below},
      {"what is clipped has a norm within the limit", broken_clipping},
  };
}

}  // namespace assay::properties
