// relu(x) = max(x, 0): exact in every format, so its bound is zero and every result is correctly
// rounded.

#include "reference/relu.hpp"

#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"

namespace assay::properties {

namespace {

// Nothing is computed: an element of the output is an element of the inputs, or zero.
implementation selection(const char* about) {
  implementation it;
  it.name = "select";
  it.about = about;
  it.numerics = "exact: no operation rounds";
  it.in_place = true;
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) it.stated.push_back({type, 0, 0});
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> out(1);
    const std::vector<double>& taken = in.values.back();  // x itself, or the gradient
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const double x = in.values[0][i];
      out[0].push_back(arithmetic::exact(x > 0 ? taken[i] : x <= 0 ? 0 : x));
    }
    return out;
  });
  return it;
}

}  // namespace

std::vector<contract> relu_contracts() {
  const elementwise_variant of{.component = "relu",
                               .variant = "plain",
                               .formula = "max(x, 0)",
                               .slope_formula = "dy where x > 0, else 0",
                               .function = reference::k_relu,
                               .slope = reference::k_relu_derivative,
                               .selects_gradient = true};
  contract forward = forward_contract(of), backward = backward_contract(of);
  forward.implementations = {selection("x or 0")};
  backward.implementations = {selection("dy or 0")};
  for (const property& each : {difference_of_mirror_images(), limits_forward(0)})
    forward.properties.push_back(each);
  backward.properties.push_back(limits_backward(0));
  return {forward, backward};
}

}  // namespace assay::properties
