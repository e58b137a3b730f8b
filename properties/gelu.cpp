// GELU: the contracts of gelu.erf, gelu.tanh and gelu.scaled, and what their implementations state.

#include "reference/gelu.hpp"

#include "optimized/math/accuracy.hpp"
#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"
#include "properties/gelu_scaled.hpp"

namespace assay::properties {
namespace {

namespace f = elementary_functions;

using optimized::k_cosh_ulps, optimized::k_erf_ulps, optimized::k_exp_ulps, optimized::k_tanh_ulps;

// What optimized/gelu.cuh computes operation by operation. From |x| = 16 on erf and tanh are 1 or
// -1 exactly, whatever overflows on the way, and the models say so.
constexpr double k_far = 16;
template <class Value>
bool is_far(const Value& x) {
  return std::abs(number_of(x)) >= k_far;
}
template <class Value>
double side(const Value& x) {
  return std::copysign(1, number_of(x));
}

constexpr auto k_erf_of = [](const auto& a, auto x) {
  const auto scaled = a.mul(x, a.constant(0x1.6a09e667f3bcdp-1));
  return is_far(x) ? a.exact(side(x)) : a.apply(f::k_erf, scaled, k_erf_ulps);
};

constexpr auto k_erf_naive = [](const auto& a, auto x, const auto&) {
  return a.mul(a.mul(a.exact(0.5), x), a.add(a.exact(1), k_erf_of(a, x)));
};

// Far out e^(-x^2/2) is 0, exactly, and so is its product with x.
constexpr auto k_erf_slope_naive = [](const auto& a, auto x, const auto&) {
  const auto half = a.exact(0.5), one = a.exact(1);
  if (is_far(x)) return a.exact(side(x) > 0 ? 1 : 0);
  const auto exp = a.apply(f::k_exp, a.mul(a.mul(a.exact(-0.5), x), x), k_exp_ulps);
  const auto density = a.mul(exp, a.constant(0x1.9884533d43651p-2));
  return a.add(a.mul(half, a.add(one, k_erf_of(a, x))), a.mul(x, density));
};

constexpr auto k_tanh_argument = [](const auto& a, auto x) {
  const auto cubic = a.mul(a.mul(a.mul(a.constant(0.044715), x), x), x);
  return a.mul(a.constant(0x1.9884533d43651p-1), a.add(x, cubic));
};

constexpr auto k_tanh_naive = [](const auto& a, auto x, const auto&) {
  const auto tanh =
      is_far(x) ? a.exact(side(x)) : a.apply(f::k_tanh, k_tanh_argument(a, x), k_tanh_ulps);
  return a.mul(a.mul(a.exact(0.5), x), a.add(a.exact(1), tanh));
};

// Beyond |x| = 10 tanh is 1 or -1 exactly and x/2 u' / cosh^2 u is below 2^-117, or 0 where cosh^2
// overflows: the model adds up no products there.
constexpr auto k_tanh_slope_cosh = [](const auto& a, auto x, const auto&) {
  const auto half = a.exact(0.5), one = a.exact(1), u = k_tanh_argument(a, x);
  if (std::abs(number_of(x)) > 10) return a.known(side(x) > 0 ? 1 : 0, 0.5, 0x1p-117);
  const auto tanh = a.apply(f::k_tanh, u, k_tanh_ulps), cosh = a.apply(f::k_cosh, u, k_cosh_ulps);
  const auto sech2 = a.div(one, a.mul(cosh, cosh));
  const auto square = a.mul(a.mul(a.constant(0.134145), x), x);
  const auto inner = a.mul(a.constant(0x1.9884533d43651p-1), a.add(one, square));
  return a.add(a.mul(half, a.add(one, tanh)), a.mul(a.mul(a.mul(half, x), sech2), inner));
};

const elementwise_variant k_erf{.component = "gelu",
                                .variant = "erf",
                                .formula = "x Phi(x)",
                                .slope_formula = "dy (Phi(x) + x phi(x))",
                                .function = reference::k_gelu_erf,
                                .slope = reference::k_gelu_erf_derivative};

const elementwise_variant k_tanh{.component = "gelu",
                                 .variant = "tanh",
                                 .formula = "x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)",
                                 .slope_formula = "dy (s + 2 x u' s (1 - s)), s = sigmoid(2u)",
                                 .function = reference::k_gelu_tanh,
                                 .slope = reference::k_gelu_tanh_derivative};

// 1 + erf and 1 + tanh reach 0 at -5.5: the textbook formulas' zeros on the left have no sign that
// means anything. Their domains hold NaN, which they must pass on.
constexpr const char* k_above_minus_infinity = "x > -infinity: there it is infinity times 0";

implementation naive_within(implementation it, bool (*domain)(double), const char* text) {
  it.domain = domain;
  it.domain_text = text;
  it.keeps_zero_sign = false;
  return it;
}

std::vector<contract> erf_contracts() {
  contract forward = forward_contract(k_erf), backward = backward_contract(k_erf);
  forward.implementations = {
      fused_forward("fused", "max(x, 0) - |x| Q(|x|), Q by one exponential", k_erf,
                    {{dtype::fp32, optimized::k_gelu_erf_ulps, 91426709},
                     {dtype::bf16, 13100, 0},
                     {dtype::fp16, 150, 2, 0x1p-27}}),
      naive_within(
          formula_forward("naive", "x/2 (1 + erf(x / sqrt 2))", k_erf_naive),
          [](double x) { return x != -reference::k_infinity; }, k_above_minus_infinity)};
  backward.implementations = {
      fused_backward("fused", "|x| - root times one exponential, folded about 1/2", k_erf,
                     {{dtype::fp32, optimized::k_gelu_erf_derivative_ulps, 132229053},
                      {dtype::bf16, 4940, 1},
                      {dtype::fp16, 1500, 2, 0x1p-40}}),
      naive_within(
          formula_backward("naive", "(1 + erf(x / sqrt 2)) / 2 + x e^(-x^2/2) / sqrt(2 pi)",
                           k_erf_slope_naive),
          [](double x) { return !std::isinf(x); }, "finite x: at infinity it is infinity times 0")};
  for (const property& each : {difference_of_mirror_images(), limits_forward()})
    forward.properties.push_back(each);
  for (const property& each : {slopes_of_mirror_images(), limits_backward()})
    backward.properties.push_back(each);
  return {forward, backward};
}

std::vector<contract> tanh_contracts() {
  contract forward = forward_contract(k_tanh), backward = backward_contract(k_tanh);
  forward.implementations = {
      fused_forward("fused", "x sigmoid(2u), one exponential, one division", k_tanh,
                    {{dtype::fp32, optimized::k_gelu_tanh_ulps, 54588090},
                     {dtype::bf16, 2280, 0},
                     {dtype::fp16, 36, 3, 0x1p-27}}),
      naive_within(
          formula_forward("naive", "x/2 (1 + tanh u)", k_tanh_naive),
          [](double x) { return x != -reference::k_infinity; }, k_above_minus_infinity)};
  backward.implementations = {
      fused_backward("fused", "derivative of x sigmoid(2u), one exponential, one division", k_tanh,
                     {{dtype::fp32, optimized::k_gelu_tanh_derivative_ulps, 109866833},
                      {dtype::bf16, 392, 0},
                      {dtype::fp16, 9310, 2, 0x1p-44}}),
      naive_within(
          formula_backward("naive_cosh", "(1 + tanh u) / 2 + x/2 u' / cosh^2 u", k_tanh_slope_cosh),
          [](double x) { return !(std::abs(x) >= 0x1p64); },
          "|x| < 2^64: beyond it x^2 overflows, and infinity meets 1 / cosh^2 = 0")};
  for (const property& each : {difference_of_mirror_images(), limits_forward()})
    forward.properties.push_back(each);
  for (const property& each : {slopes_of_mirror_images(), limits_backward()})
    backward.properties.push_back(each);
  return {forward, backward};
}

}  // namespace

std::vector<contract> gelu_contracts() {
  std::vector<contract> all;
  for (auto* each : {erf_contracts, tanh_contracts, gelu_scaled_contracts})
    for (contract& c : each()) all.push_back(std::move(c));
  return all;
}

}  // namespace assay::properties
