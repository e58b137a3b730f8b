// SiLU: x sigmoid(x).

#include "reference/silu.hpp"

#include "optimized/math/accuracy.hpp"
#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"

namespace assay::properties {
namespace {

using optimized::k_exp_ulps;

constexpr auto k_sigmoid = [](const auto& a, auto x) {
  const auto exp = a.apply(elementary_functions::k_exp, a.negated(x), k_exp_ulps);
  return a.add(a.exact(1), exp);
};

constexpr auto k_naive = [](const auto& a, auto x, const auto&) {
  return a.div(x, k_sigmoid(a, x));
};

constexpr auto k_slope_naive = [](const auto& a, auto x, const auto&) {
  const auto one = a.exact(1), s = a.div(one, k_sigmoid(a, x));
  if (number_of(x) >= 88) return one;  // s is 1 and 1 - s is 0, exactly
  return a.mul(s, a.add(one, a.mul(x, a.sub(one, s))));
};

const elementwise_variant k_silu{.component = "silu",
                                 .variant = "plain",
                                 .formula = "x sigmoid(x)",
                                 .slope_formula = "dy s (1 + x (1 - s)), s = sigmoid(x)",
                                 .function = reference::k_silu,
                                 .slope = reference::k_silu_derivative};

// e^-x overflows below -88.7, where x sigmoid(x) has not vanished. Both domains hold NaN.
void restrict_forward(implementation& it) {
  it.domain = [](double x) { return !(x < -88); };
  it.domain_text = "x >= -88: below it e^-x overflows";
}

void restrict_backward(implementation& it) {
  it.domain = [](double x) { return !(x < -88) && x != reference::k_infinity; };
  it.domain_text =
      "-88 <= x < infinity: below it e^-x overflows, at infinity it is infinity times 0";
}

}  // namespace

std::vector<contract> silu_contracts() {
  contract forward = forward_contract(k_silu), backward = backward_contract(k_silu);
  forward.implementations = {
      fused_forward("fused", "max(x, 0) - |x| sigmoid(-|x|), one exponential, one division", k_silu,
                    {{dtype::fp32, optimized::k_silu_ulps, -1},
                     {dtype::bf16, 770, 0},
                     {dtype::fp16, 68, 2, 0x1p-27}}),
      formula_forward("naive", "x / (1 + e^-x)", k_naive)};
  backward.implementations = {
      fused_backward("fused", "derivative of x sigmoid(x), folded about 1/2", k_silu,
                     {{dtype::fp32, optimized::k_silu_derivative_ulps, -1},
                      {dtype::bf16, 65, 0},
                      {dtype::fp16, 966, 2, 0x1p-40}}),
      formula_backward("naive", "s (1 + x (1 - s)), s = 1 / (1 + e^-x)", k_slope_naive)};
  restrict_forward(forward.implementations[1]);
  restrict_backward(backward.implementations[1]);
  for (const property& each : {difference_of_mirror_images(), limits_forward()})
    forward.properties.push_back(each);
  for (const property& each : {slopes_of_mirror_images(), limits_backward()})
    backward.properties.push_back(each);
  return {forward, backward};
}

}  // namespace assay::properties
