// The command with kernels that are wrong on purpose, added as a user's own would be.

#include "optimized/launcher.hpp"
#include "properties/contract.hpp"
#include "properties/elementwise.hpp"
#include "reference/relu.hpp"
#include "tools/assay/application.hpp"

namespace assay::tools::broken {

namespace plain {
std::span<const optimized::launcher> launchers();
}
namespace sanitized {
std::span<const optimized::launcher> launchers();
}

namespace {

using namespace properties;

implementation exact_implementation(const char* name) {
  implementation it;
  it.name = name;
  it.about = "the input";
  it.numerics = "exact: no operation rounds";
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> out(1);
    for (double x : in.values[0]) out[0].push_back(arithmetic::exact(x));
    return out;
  });
  return it;
}

contract copy_contract() {
  contract c;
  c.component = "broken", c.variant = "copy", c.direction = "fwd";
  c.about = "x";
  c.dimensions = {"t", "c"};
  c.inputs = {{"x", {"t", "c"}}};
  c.outputs = {{"y", {"t", "c"}}};
  c.signatures = {{dtype::fp32, dtype::fp32}};
  c.exact = [](const case_inputs& in) {
    return std::vector{truth{in.values[0], {}, in.values[0]}};
  };
  for (const char* name : {"right", "drops_rows", "changes_bits", "writes_past_end",
                           "reads_past_end", "crashes", "spins", "spins_at_barrier"})
    c.implementations.push_back(exact_implementation(name));
  c.cases = {{"broken",
              "copy",
              "fwd",
              {{"x", dtype::fp32}, {"y", dtype::fp32}},
              {{"t", 4096}, {"c", 4}},
              {"normal", {}},
              1}};
  return c;
}

contract relu_contract() {
  contract c = forward_contract({.component = "broken",
                                 .variant = "relu",
                                 .formula = "max(x, 0)",
                                 .slope_formula = "",
                                 .function = reference::k_relu,
                                 .slope = reference::k_relu_derivative});
  for (const char* name : {"wrong_at_two", "dies_at_two"}) {
    implementation it;
    it.name = name;
    it.model = make_model([](const auto& a, const case_inputs& in) {
      using arithmetic = std::decay_t<decltype(a)>;
      model_outputs<arithmetic> out(1);
      for (double x : in.values[0]) out[0].push_back(arithmetic::exact(x <= 0 ? 0 : x));
      return out;
    });
    c.implementations.push_back(std::move(it));
  }
  return c;
}

}  // namespace
}  // namespace assay::tools::broken

int main(int argc, char** argv) {
  using namespace assay;
  for (const auto& each : tools::broken::plain::launchers())
    optimized::add_launcher(simt::build::plain, each);
  for (const auto& each : tools::broken::sanitized::launchers())
    optimized::add_launcher(simt::build::sanitized, each);
  properties::add_contract(tools::broken::copy_contract());
  properties::add_contract(tools::broken::relu_contract());
  return tools::run_application(argc, argv);
}
