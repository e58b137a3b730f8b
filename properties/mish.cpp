// Mish: x tanh(ln(1 + e^x)).

#include "reference/mish.hpp"

#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"

namespace assay::properties {
namespace {

namespace f = elementary_functions;

// The stated errors of optimized/math's functions, in ULPs.
constexpr double k_exp_ulps = 1.02, k_log1p_ulps = 2.0, k_tanh_ulps = 0.91;

constexpr auto k_gate = [](const auto& a, auto x) {
  const auto softplus = a.apply(f::log1p, a.apply(f::exp, x, k_exp_ulps), k_log1p_ulps);
  return a.apply(f::tanh, softplus, k_tanh_ulps);
};

constexpr auto k_naive = [](const auto& a, auto x, const auto&) { return a.mul(x, k_gate(a, x)); };

constexpr auto k_slope_naive = [](const auto& a, auto x, const auto&) {
  const auto one = a.exact(1), t = k_gate(a, x);
  const auto s = a.div(one, a.add(one, a.apply(f::exp, a.negated(x), k_exp_ulps)));
  return a.add(t, a.mul(a.mul(x, a.sub(one, a.mul(t, t))), s));
};

const elementwise_variant k_mish{
    .component = "mish",
    .variant = "plain",
    .formula = "x tanh(ln(1 + e^x))",
    .slope_formula = "dy (t + x (1 - t^2) sigmoid(x)), t = tanh(ln(1 + e^x))",
    .function = reference::k_mish,
    .slope = reference::k_mish_derivative};

void restrict_to_exponential(implementation& it) {
  it.domain = [](double x) { return x >= -88 && x <= 88; };
  it.domain_text = "|x| <= 88: beyond it e^|x| overflows";
}

}  // namespace

std::vector<contract> mish_contracts() {
  contract forward = forward_contract(k_mish), backward = backward_contract(k_mish);
  forward.implementations = {
      fused_forward("fused", "x n (n + 2) / (n (n + 2) + 2), n = e^x", k_mish,
                    {{dtype::fp32, 2, -1}, {dtype::bf16, 726, 0}, {dtype::fp16, 73, 4, 0x1p-26}}),
      formula_forward("naive", "x tanh(log1p(e^x))", k_naive)};
  backward.implementations = {
      fused_backward(
          "fused", "derivative of the same quotient, folded about 1/2", k_mish,
          {{dtype::fp32, 2, -1}, {dtype::bf16, 2450, 0}, {dtype::fp16, 19800, 2, 0x1p-40}}),
      formula_backward("naive", "t + x (1 - t^2) s, t = tanh(log1p(e^x))", k_slope_naive)};
  restrict_to_exponential(forward.implementations[1]);
  restrict_to_exponential(backward.implementations[1]);
  for (const property& each : {limits_forward()}) forward.properties.push_back(each);
  for (const property& each : {limits_backward()}) backward.properties.push_back(each);
  return {forward, backward};
}

}  // namespace assay::properties
