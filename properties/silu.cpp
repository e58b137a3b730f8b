// SiLU: x sigmoid(x).

#include "reference/silu.hpp"

#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"

namespace assay::properties {
namespace {

constexpr double k_exp_ulps = 1.02;  // of optimized/math/exp.cuh

constexpr auto k_sigmoid = [](const auto& a, auto x) {
  const auto exp = a.apply(elementary_functions::exp, a.negated(x), k_exp_ulps);
  return a.add(a.exact(1), exp);
};

constexpr auto k_naive = [](const auto& a, auto x, const auto&) {
  return a.div(x, k_sigmoid(a, x));
};

constexpr auto k_slope_naive = [](const auto& a, auto x, const auto&) {
  const auto one = a.exact(1), s = a.div(one, k_sigmoid(a, x));
  return a.mul(s, a.add(one, a.mul(x, a.sub(one, s))));
};

const elementwise_variant k_silu{.component = "silu",
                                 .variant = "plain",
                                 .formula = "x sigmoid(x)",
                                 .slope_formula = "dy s (1 + x (1 - s)), s = sigmoid(x)",
                                 .function = reference::k_silu,
                                 .slope = reference::k_silu_derivative};

void restrict_to_exponential(implementation& it) {
  it.domain = [](double x) { return x >= -88 && std::isfinite(x); };
  it.domain_text =
      "finite x >= -88: below it e^-x overflows, at infinity the derivative is infinity times zero";
}

}  // namespace

std::vector<contract> silu_contracts() {
  contract forward = forward_contract(k_silu), backward = backward_contract(k_silu);
  forward.implementations = {
      fused_forward("fused", "max(x, 0) - |x| sigmoid(-|x|), one exponential, one division", k_silu,
                    {{dtype::fp32, 2, -1}, {dtype::bf16, 770, 0}, {dtype::fp16, 68, 2, 0x1p-27}}),
      formula_forward("naive", "x / (1 + e^-x)", k_naive)};
  backward.implementations = {
      fused_backward("fused", "derivative of x sigmoid(x), folded about 1/2", k_silu,
                     {{dtype::fp32, 2, -1}, {dtype::bf16, 65, 0}, {dtype::fp16, 966, 2, 0x1p-40}}),
      formula_backward("naive", "s (1 + x (1 - s)), s = 1 / (1 + e^-x)", k_slope_naive)};
  restrict_to_exponential(forward.implementations[1]);
  restrict_to_exponential(backward.implementations[1]);
  for (const property& each : {difference_of_mirror_images(), limits_forward()})
    forward.properties.push_back(each);
  for (const property& each : {slopes_of_mirror_images(), limits_backward()})
    backward.properties.push_back(each);
  return {forward, backward};
}

}  // namespace assay::properties
