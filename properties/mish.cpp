// Mish: x tanh(ln(1 + e^x)).

#include "reference/mish.hpp"

#include "optimized/math/accuracy.hpp"
#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"

namespace assay::properties {
namespace {

namespace f = elementary_functions;

using optimized::k_exp_ulps, optimized::k_log1p_ulps, optimized::k_tanh_ulps;

// From x = 88 on, where e^x is about to overflow, tanh(log1p(e^x)) is 1 exactly, infinite or not.
template <class Value>
bool is_far(const Value& x) {
  return number_of(x) >= 88;
}

constexpr auto k_gate = [](const auto& a, auto x) {
  const auto softplus = a.apply(f::k_log1p, a.apply(f::k_exp, x, k_exp_ulps), k_log1p_ulps);
  return a.apply(f::k_tanh, softplus, k_tanh_ulps);
};

constexpr auto k_naive = [](const auto& a, auto x, const auto&) {
  return is_far(x) ? x : a.mul(x, k_gate(a, x));
};

constexpr auto k_slope_naive = [](const auto& a, auto x, const auto&) {
  const auto one = a.exact(1), t = k_gate(a, x);
  if (is_far(x)) return one;
  const auto s = a.div(one, a.add(one, a.apply(f::k_exp, a.negated(x), k_exp_ulps)));
  return a.add(t, a.mul(a.mul(x, a.sub(one, a.mul(t, t))), s));
};

const elementwise_variant k_mish{
    .component = "mish",
    .variant = "plain",
    .formula = "x tanh(ln(1 + e^x))",
    .slope_formula = "dy (t + x (1 - t^2) sigmoid(x)), t = tanh(ln(1 + e^x))",
    .function = reference::k_mish,
    .slope = reference::k_mish_derivative};

// The formula forward holds only e^x, which may overflow and may vanish. Both domains hold NaN.
void restrict_forward(implementation& it) {
  it.domain = [](double x) { return x != -reference::k_infinity; };
  it.domain_text = "x > -infinity: there it is infinity times 0";
}

void restrict_backward(implementation& it) {
  it.domain = [](double x) { return !(x < -88) && x != reference::k_infinity; };
  it.domain_text =
      "-88 <= x < infinity: below it e^-x overflows and x sigmoid(x) is lost, at infinity it is "
      "infinity times 0";
}

}  // namespace

std::vector<contract> mish_contracts() {
  contract forward = forward_contract(k_mish), backward = backward_contract(k_mish);
  forward.implementations = {
      fused_forward("fused", "x n (n + 2) / (n (n + 2) + 2), n = e^x", k_mish,
                    {{dtype::fp32, optimized::k_mish_ulps, -1},
                     {dtype::bf16, 726, 0},
                     {dtype::fp16, 73, 4, 0x1p-26}}),
      formula_forward("naive", "x tanh(log1p(e^x))", k_naive)};
  backward.implementations = {
      fused_backward("fused", "derivative of the same quotient, folded about 1/2", k_mish,
                     {{dtype::fp32, optimized::k_mish_derivative_ulps, -1},
                      {dtype::bf16, 2450, 0},
                      {dtype::fp16, 19800, 2, 0x1p-40}}),
      formula_backward("naive", "t + x (1 - t^2) s, t = tanh(log1p(e^x))", k_slope_naive)};
  restrict_forward(forward.implementations[1]);
  restrict_backward(backward.implementations[1]);
  for (const property& each : {limits_forward()}) forward.properties.push_back(each);
  for (const property& each : {limits_backward()}) backward.properties.push_back(each);
  return {forward, backward};
}

}  // namespace assay::properties
