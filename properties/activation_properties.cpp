#include "properties/activation_properties.hpp"

#include "properties/property.hpp"
#include "properties/values.hpp"
#include "reference/round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay::properties {
namespace {

double mirrored(double x) { return -x; }

// Half an ULP of double: combining results in double rounds. What is not finite earns no room.
double rounding_of(double a, double b) {
  const double room = 0x1p-53 * (std::abs(a) + std::abs(b));
  return std::isfinite(room) ? room : 0;
}

// How far c times a result may lie from c times the mathematics.
double times(double c, double reach) {
  return reach < reference::k_infinity ? std::abs(c) * reach : reach;
}

// Does the implementation promise anything at x?
bool promises(const subject& s, double x) { return !s.by().domain || s.by().domain(x); }

std::string same_bits(const char* what, const std::vector<double>& whole,
                      const std::vector<double>& parts) {
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (!reference::same(whole[i], parts[i]))
      return fmt::format("{} changes element {}: {:a} is now {:a}", what, i, whole[i], parts[i]);
  return {};
}

std::vector<double> joined(std::vector<double> left, const std::vector<double>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::vector<std::size_t> counted(std::size_t first, std::size_t last) {
  std::vector<std::size_t> all(last - first);
  std::iota(all.begin(), all.end(), first);
  return all;
}

std::string broken_batch(const subject& s) {
  const std::size_t n = s.elements(), half = n / 2;
  std::vector<std::size_t> backwards = counted(0, n);
  std::reverse(backwards.begin(), backwards.end());
  const auto whole = s.outputs(), left = s.outputs(s.with_elements(counted(0, half))),
             right = s.outputs(s.with_elements(counted(half, n))),
             turned = s.outputs(s.with_elements(backwards));
  for (std::size_t k = 0; k < whole.size(); ++k) {
    std::string broken;
    if (s.of().outputs[k].shape.empty()) {  // a reduction: exact sums agree, results nearly
      const double parts = left[k].got[0] + right[k].got[0];
      const double reach = whole[k].reach[0] + left[k].reach[0] + right[k].reach[0] +
                           rounding_of(left[k].got[0], right[k].got[0]);
      broken = differ(whole[k].got, {parts}, {reach});
      if (broken.empty())
        broken = differ(whole[k].got, turned[k].got, {whole[k].reach[0] + turned[k].reach[0]});
    } else {
      std::vector<double> restored = turned[k].got;
      std::reverse(restored.begin(), restored.end());
      broken = same_bits("cutting the batch", whole[k].got, joined(left[k].got, right[k].got));
      if (broken.empty()) broken = same_bits("reversing the batch", whole[k].got, restored);
    }
    if (!broken.empty()) return s.of().outputs[k].name + ": " + broken;
  }
  return {};
}

// combine(result at x, result at -x) against expected(x, dy), finite x only.
template <class Combine, class Expected>
std::string broken_mirror(const subject& s, Combine combine, Expected expected) {
  const case_inputs other = s.with_values(0, mirrored);
  const bounded_output here = s.outputs()[0], there = s.outputs(other)[0];
  std::vector<double> left, right, allowed;
  for (std::size_t i = 0; i < s.elements(); ++i) {
    const double x = s.inputs().values[0][i];
    const bool judged = std::isfinite(x);
    left.push_back(judged ? combine(here.got[i], there.got[i]) : 0);
    right.push_back(judged ? expected(i) : 0);
    allowed.push_back(here.reach[i] + there.reach[i] + rounding_of(here.got[i], there.got[i]));
  }
  return differ(left, right, allowed);
}

// alpha of gelu.scaled, the only parameter there is; 1 elsewhere.
double scale_of(const subject& s) {
  return s.inputs().parameters.empty() ? 1 : s.inputs().parameters[0];
}

std::string broken_difference(const subject& s) {
  return broken_mirror(
      s, [](double a, double b) { return a - b; },
      [&](std::size_t i) { return scale_of(s) * s.inputs().values[0][i]; });
}

std::string broken_slopes(const subject& s) {
  case_inputs here = s.with_values(1, [](double) { return 1.0; }), there = here;
  for (double& x : there.values[0]) x = -x;
  const bounded_output a = s.outputs(here)[0], b = s.outputs(there)[0];
  const double scale = scale_of(s), half = round_to(s.inputs().id.type_of("dx"), scale / 2);
  std::vector<double> sums, scales, allowed;
  for (std::size_t i = 0; i < s.elements(); ++i) {
    const double x = here.values[0][i];
    const bool judged = std::isfinite(x) && promises(s, x) && promises(s, -x);
    sums.push_back(judged ? a.got[i] + b.got[i] : scale);
    scales.push_back(scale);
    allowed.push_back(a.reach[i] + b.reach[i] + rounding_of(a.got[i], b.got[i]));
  }
  case_inputs zero = here;
  for (double& x : zero.values[0]) x = 0;
  const bounded_output at_zero = s.outputs(zero)[0];
  for (double slope : at_zero.got)
    if (slope != half) return fmt::format("the derivative at 0 is {:a}, not {:a}", slope, half);
  return differ(sums, scales, allowed);
}

// Where x > 0 every activation here rises.
std::string broken_slope_sign(const subject& s) {
  const bounded_output dx = s.outputs()[0];
  for (std::size_t i = 0; i < s.elements(); ++i) {
    const double x = s.inputs().values[0][i], dy = s.inputs().values[1][i];
    if (!(x > 0 && std::isfinite(dy)) || dx.reach[i] == reference::k_infinity) continue;
    if (!(std::copysign(1, dy) * dx.got[i] >= -dx.reach[i]))
      return fmt::format("at {:a} and dy = {:a} it is {:a}", x, dy, dx.got[i]);
  }
  return {};
}

std::string broken_gate(const subject& s) {
  const bounded_output y = s.outputs()[0];
  for (std::size_t i = 0; i < s.elements(); ++i) {
    const double x = s.inputs().values[0][i], reach = y.reach[i];
    if (!std::isfinite(x) || reach == reference::k_infinity) continue;
    if (!(y.got[i] >= std::min(x, 0.0) - reach && y.got[i] <= std::max(x, 0.0) + reach))
      return fmt::format("at {:a} it is {:a}", x, y.got[i]);
  }
  return {};
}

// f(alpha x) at the infinities and at NaN; a derivative times alpha.
std::string broken_limits(const subject& s, double at_minus_infinity, double at_infinity,
                          bool derivative) {
  const double inf = reference::k_infinity, scale = scale_of(s);
  const dtype type = s.inputs().id.types[s.of().inputs.size()].type;
  for (double x : {inf, -inf, std::nan("")}) {
    if (!promises(s, x)) continue;
    const double z = scale * x;
    const double end = z == inf ? at_infinity : z == -inf ? at_minus_infinity : z;
    const double expected = derivative ? round_to(type, scale * end) : end;
    case_inputs at = s.with_values(0, [x](double) { return x; });
    if (at.values.size() > 1)
      for (double& dy : at.values[1]) dy = 1;
    const bounded_output limit = s.outputs(at)[0];
    for (double got : limit.got) {
      const bool equal = s.by().keeps_zero_sign
                             ? reference::same(got, expected)
                             : got == expected || (got != got && expected != expected);
      if (!equal) return fmt::format("at {} it is {:a}, not {:a}", x, got, expected);
    }
  }
  return {};
}

// Every output of (x, c dy) against c times that of (x, dy). Gradients that c takes out of their
// dtype's range are left out.
std::string broken_scaling(const subject& s, double c) {
  const dtype type = s.inputs().id.types[1].type;
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < s.elements(); ++i)
    if (const double dy = c * s.inputs().values[1][i]; !(round_to(type, dy) != dy))
      kept.push_back(i);
  const case_inputs some = s.with_elements(kept);
  case_inputs larger = some;
  for (double& dy : larger.values[1]) dy *= c;
  const auto once = s.outputs(some), scaled = s.outputs(larger);
  for (std::size_t k = 0; k < once.size(); ++k) {
    std::vector<double> expected = once[k].got, allowed = scaled[k].reach;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] *= c;
      allowed[i] += times(c, once[k].reach[i]);
    }
    const std::string broken = differ(scaled[k].got, expected, allowed);
    if (!broken.empty()) return fmt::format("{} times dy: {}", c, broken);
  }
  return {};
}

std::string broken_linearity(const subject& s) {
  for (double c : {2.0, -0.25})
    if (std::string broken = broken_scaling(s, c); !broken.empty()) return broken;
  const bounded_output full = s.outputs()[0],
                       unit = s.outputs(s.with_values(1, [](double) { return 1.0; }))[0];
  std::vector<double> expected, allowed;
  for (std::size_t i = 0; i < s.elements(); ++i) {
    const double dy = s.inputs().values[1][i];
    const bool number = std::isfinite(dy);  // an infinite one selects rather than multiplies
    expected.push_back(number ? dy * unit.got[i] : full.got[i]);
    allowed.push_back(full.reach[i] + (number ? times(dy, unit.reach[i]) : 0) +
                      rounding_of(expected[i], 0));
  }
  return differ(full.got, expected, allowed);
}

std::string broken_unscaled(const subject& s, const std::string& variant) {
  case_inputs inputs = s.inputs();
  inputs.parameters = {1};
  for (field& each : inputs.id.shape)
    if (each.key == "alpha") each.value = 1;
  const subject plain = s.as(variant, s.by().name);
  const bounded_output scaled = s.outputs(inputs)[0], unscaled = plain.outputs()[0];
  std::vector<double> allowed = scaled.reach;
  for (std::size_t i = 0; i < allowed.size(); ++i) allowed[i] += unscaled.reach[i];
  return differ(scaled.got, unscaled.got, allowed);
}

}  // namespace

property batch_invariance() {
  return {"cutting or reversing the batch changes no bit of an element", broken_batch};
}

property difference_of_mirror_images() { return {"f(x) - f(-x) = x (alpha x)", broken_difference}; }

property slopes_of_mirror_images() {
  return {"f'(x) + f'(-x) = 1 (alpha) and f'(0) half of it", broken_slopes};
}

property values_of_a_gate() { return {"f(x) lies between 0 and x", broken_gate}; }

property rising_right_of_zero() {
  return {"where x > 0 the gradient has the sign of the gradient from above", broken_slope_sign};
}

property limits_forward(double at_minus_infinity) {
  return {fmt::format("f(infinity) = infinity, f(-infinity) = {}, f(NaN) = NaN", at_minus_infinity),
          [=](const subject& s) {
            return broken_limits(s, at_minus_infinity, reference::k_infinity, false);
          }};
}

property limits_backward(double at_minus_infinity) {
  return {fmt::format("f'(infinity) = 1, f'(-infinity) = {}, f'(NaN) = NaN", at_minus_infinity),
          [=](const subject& s) { return broken_limits(s, at_minus_infinity, 1, true); }};
}

property linear_in_the_gradient() {
  return {"the gradient is linear in the gradient from above", broken_linearity};
}

property unscaled_is(const std::string& variant) {
  return {"with alpha = 1 it is " + variant,
          [variant](const subject& s) { return broken_unscaled(s, variant); }};
}

}  // namespace assay::properties
