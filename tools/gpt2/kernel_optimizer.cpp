#include "tools/gpt2/kernel_optimizer.hpp"

#include "properties/values.hpp"

#include <limits>

namespace assay::gpt2 {
namespace {

std::vector<std::string> names_in_order(const weights& all) {
  std::vector<std::string> names;
  for (const bool decaying : {true, false})
    for (const auto& [name, tensor] : all)
      if (decays(tensor.extents()) == decaying) names.push_back(name);
  return names;
}

std::int64_t elements_of(const weights& all, bool decaying_alone) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : all)
    if (!decaying_alone || decays(tensor.extents())) count += tensor.extents().count();
  return count;
}

}  // namespace

plan step_plan(std::int64_t elements, std::int64_t decaying, const training_settings& by,
               double rate, std::int64_t number) {
  plan all;
  const auto add = [&](const char* name, std::vector<std::int64_t> shape, value_role role) {
    all.values.emplace(name, planned_value{dtype::fp32, std::move(shape), role});
  };
  add("weights", {elements}, value_role::parameter);
  add("gradients", {elements}, value_role::input);
  for (const char* each : {"means", "squares"}) add(each, {elements}, value_role::cache);
  for (const char* each : {"norm", "factor"}) add(each, {}, value_role::activation);
  const double limit = by.clip > 0 ? by.clip : double(std::numeric_limits<float>::max());
  all.operations.push_back({"norm",
                            "global_norm.norm.fwd",
                            {{"gradients", {elements}}},
                            {{"norm", {}}, {"factor", {}}},
                            {limit}});
  const auto step = [&](const char* name, std::int64_t first, std::int64_t count, double decay) {
    const auto part = [&](const char* value) { return operand{value, {count}, {}, first}; };
    all.operations.push_back(
        {name,
         "adamw.step.fwd",
         {part("weights"), part("gradients"), part("means"), part("squares"), {"factor", {}}},
         {part("weights"), part("means"), part("squares")},
         {rate, by.beta1, by.beta2, by.eps, decay, double(number)}});
  };
  if (decaying > 0) step("decaying", 0, decaying, by.decay);
  if (elements > decaying) step("others", decaying, elements - decaying, 0);
  all.forward = all.operations.size();
  return all;
}

kernel_optimizer::kernel_optimizer(model& of, const training_settings& by, const execution& how)
    : optimizer(by),
      of_(of),
      order_(names_in_order(of.parameters)),
      elements_(elements_of(of.parameters, false)),
      decaying_(elements_of(of.parameters, true)),
      run_(step_plan(elements_, decaying_, by, by.rate, 1), how) {
  round_parameters(of, dtype::fp32);
  run_.upload("weights", in_order(of.parameters));
  const std::vector<double> zeros(std::size_t(elements_), 0.0);
  for (const char* each : {"means", "squares"}) run_.upload(each, zeros);
}

double kernel_optimizer::apply(const weights& gradients, double rate, std::int64_t number) {
  run_.adopt(step_plan(elements_, decaying_, settings(), rate, number));
  std::vector<double> all = in_order(gradients);
  for (double& each : all) each = properties::round_to(dtype::fp32, each);
  run_.upload("gradients", all);
  run_.run(0, run_.of().operations.size());
  const std::vector<double> updated = run_.download("weights");
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
