#include "tools/gpt2/kernel_optimizer.hpp"

#include "properties/values.hpp"
#include "tools/gpt2/step_plan.hpp"

namespace assay::gpt2 {
namespace {

std::vector<std::string> names_in_order(const weights& all) {
  std::vector<std::string> names;
  for (const bool decaying : {true, false})
    for (const auto& [name, tensor] : all)
      if (decays(tensor.extents().rank()) == decaying) names.push_back(name);
  return names;
}

std::int64_t elements_of(const weights& all, bool decaying_alone) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : all)
    if (!decaying_alone || decays(tensor.extents().rank())) count += tensor.extents().count();
  return count;
}

}  // namespace

plan step_plan(std::int64_t elements, std::int64_t decaying, const step_settings& by) {
  plan all;
  add_step(all, dtype::fp32,
           {{0, decaying, true}, {decaying, elements - decaying, false, dtype::fp32, decaying}},
           by);
  return all;
}

kernel_optimizer::kernel_optimizer(model& of, const training_settings& by, const execution& how)
    : optimizer(by),
      of_(of),
      order_(names_in_order(of.parameters)),
      elements_(elements_of(of.parameters, false)),
      decaying_(elements_of(of.parameters, true)),
      run_(step_plan(elements_, decaying_, {by}), how) {
  round_parameters(of, dtype::fp32);
  run_.upload("parameters", in_order(of.parameters));
  const std::vector<double> zeros(std::size_t(elements_), 0.0);
  for (const char* each : {"means", "squares"}) run_.upload(each, zeros);
}

double kernel_optimizer::apply(const weights& gradients, double rate, std::int64_t number) {
  run_.adopt(step_plan(elements_, decaying_, {settings(), rate, number}));
  std::vector<double> all = in_order(gradients);
  for (double& each : all) each = properties::round_to(dtype::fp32, each);
  run_.upload("gradients.fp32", all);
  run_.run(0, run_.of().operations.size());
  const std::vector<double> updated = run_.download("parameters");
  auto at = updated.begin();
  for (const std::string& name : order_) {
    const auto to = of_.parameters.find(name)->second.elements();
    std::copy_n(at, to.size(), to.begin());
    at += std::ptrdiff_t(to.size());
  }
  return run_.download("norm")[0];
}

std::vector<double> kernel_optimizer::in_order(const weights& all) const {
  std::vector<double> values;
  values.reserve(std::size_t(elements_));
  for (const std::string& name : order_) {
    const auto from = all.find(name)->second.elements();
    values.insert(values.end(), from.begin(), from.end());
  }
  return values;
}

}  // namespace assay::gpt2
