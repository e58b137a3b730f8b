// Contracts of element-wise functions: y = f(x), and dx = dy f'(x).
#pragma once

#include "properties/contract.hpp"
#include "reference/elementwise.hpp"

#include <string>
#include <vector>

namespace assay::properties {

// What the two directions of one variant have in common.
struct elementwise_variant {
  std::string component, variant;
  std::string formula, slope_formula;
  reference::elementwise function, slope;
  std::vector<parameter_spec> parameters = {};  // the first is the reference functions' parameter
  // The gradient is selected where the derivative is 1, not multiplied (relu). Elsewhere a gradient
  // that is infinite or no number meets the derivative as fp32 has it: where that has underflowed
  // to zero, infinity times it is no number (reference/README.md, Special values: a policy).
  bool selects_gradient = false;
};

contract forward_contract(const elementwise_variant& of);
contract backward_contract(const elementwise_variant& of);

// An implementation that computes f (or f' and one product) by a fused routine in fp32 and rounds
// once to the output's dtype.
implementation fused_forward(std::string name, std::string about, const elementwise_variant& of,
                             const std::vector<routine_error>& errors);
implementation fused_backward(std::string name, std::string about, const elementwise_variant& of,
                              const std::vector<routine_error>& errors);

// The number that an input is, in either arithmetic: for formulas with cases.
inline double number_of(const running::value& input) { return input.center; }
inline double number_of(const concrete::value& input) { return input.after; }

// An implementation that computes a formula operation by operation, given as a model of one
// element: formula(arithmetic, x, parameters) -> value, in fp32, rounded once to the output's
// dtype.
template <class Formula>
implementation formula_forward(std::string name, std::string about, Formula formula);
// The same for the derivative; the result is multiplied by dy.
template <class Formula>
implementation formula_backward(std::string name, std::string about, Formula formula);

// Compulsory traffic and work of `tensors_touched` tensors of the first input's dtype and size.
std::function<cost(const case_id&)> elementwise_cost(int tensors_touched, double flops_an_element);

// A case of `c` but for its layout: tensors of these dtypes, n elements, the parameters' defaults.
case_id elementwise_case(const contract& c, const std::vector<dtype>& types, std::int64_t n,
                         distribution_id from, std::uint64_t seed);

// The cases that `check` runs for an element-wise function: sizes, alignments, in place, every kind
// of data; all patterns of the 16-bit dtypes.
std::vector<case_id> elementwise_cases(const contract& c);

// Normal data in the contract's first dtypes: every decoy is wrong on it, of each function here.
case_id elementwise_decoy_case(const contract& c);

// ---- implementation ----

namespace detail {
implementation in_fp32(std::string name, std::string about, std::string numerics);
}

template <class Formula>
implementation formula_forward(std::string name, std::string about, Formula formula) {
  implementation it =
      detail::in_fp32(std::move(name), std::move(about),
                      "each operation rounded to fp32, the last result to the output");
  it.model = make_model([formula](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> y(1);
    for (double x : in.values[0]) y[0].push_back(formula(a, arithmetic::exact(x), in.parameters));
    return y;
  });
  return it;
}

template <class Formula>
implementation formula_backward(std::string name, std::string about, Formula formula) {
  implementation it = detail::in_fp32(
      std::move(name), std::move(about),
      "each operation rounded to fp32, the product with dy too, then to the output");
  it.model = make_model([formula](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> dx(1);
    for (std::size_t i = 0; i < in.values[0].size(); ++i)
      dx[0].push_back(a.mul(arithmetic::exact(in.values[1][i]),
                            formula(a, arithmetic::exact(in.values[0][i]), in.parameters)));
    return dx;
  });
  return it;
}

}  // namespace assay::properties
