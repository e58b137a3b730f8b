#include "tools/gpt2/step_plan.hpp"

#include <limits>
#include <map>

namespace assay::gpt2 {
namespace {

constexpr double k_no_limit = double(std::numeric_limits<float>::max());

void add_array(plan& to, const std::string& name, dtype type, std::int64_t count, value_role role) {
  to.values.emplace(name, planned_value{type, {count}, role});
}

// The norm of each array of gradients, and if there are several, of those norms the norm.
void add_norm(plan& to, const std::map<dtype, std::int64_t>& arrays, double limit) {
  const auto add = [&](std::string name, operand of, operand norm, operand factor, double most) {
    to.operations.push_back(
        {std::move(name), "global_norm.norm.fwd", {std::move(of)}, {norm, factor}, {most}});
  };
  for (const char* each : {"norm", "factor"})
    to.values.emplace(each, planned_value{dtype::fp32, {}, value_role::activation});
  const operand norm{"norm", {}}, factor{"factor", {}};
  if (arrays.size() == 1) {
    const auto& [type, count] = *arrays.begin();
    return add("norm", {gradients_of(type), {count}}, norm, factor, limit);
  }
  const auto several = std::int64_t(arrays.size());
  for (const char* each : {"norms", "factors"})
    add_array(to, each, dtype::fp32, several, value_role::activation);
  std::int64_t k = 0;
  for (const auto& [type, count] : arrays) {
    add("norm." + std::string(name_of(type)), {gradients_of(type), {count}}, {"norms", {}, {}, k},
        {"factors", {}, {}, k}, k_no_limit);
    ++k;
  }
  add("norm", {"norms", {several}}, norm, factor, limit);
}

void add_part(plan& to, bool has_masters, const step_part& part, const step_settings& by) {
  const auto window = [&](const char* value) {
    return operand{value, {part.count}, {}, part.first};
  };
  const operand weights = window(has_masters ? "weights" : "parameters");
  operation step{"step." + std::string(name_of(part.gradient)) + (part.decays ? ".decaying" : ""),
                 has_masters ? "adamw.copied.fwd" : "adamw.step.fwd",
                 {weights,
                  {gradients_of(part.gradient), {part.count}, {}, part.first_gradient},
                  window("means"),
                  window("squares"),
                  {"factor", {}}},
                 {weights, window("means"), window("squares")},
                 {by.rate, by.by.beta1, by.by.beta2, by.by.eps, part.decays ? by.by.decay : 0,
                  double(by.number)}};
  if (has_masters) step.outputs.push_back(window("parameters"));
  to.operations.push_back(std::move(step));
}

}  // namespace

std::string gradients_of(dtype type) { return "gradients." + std::string(name_of(type)); }

void add_step(plan& to, dtype type, const std::vector<step_part>& parts, const step_settings& by) {
  const bool has_masters = type != dtype::fp32;
  std::int64_t count = 0;
  std::map<dtype, std::int64_t> gradients;
  for (const step_part& each : parts) count += each.count, gradients[each.gradient] += each.count;
  add_array(to, "parameters", type, count, value_role::parameter);
  if (has_masters) add_array(to, "weights", dtype::fp32, count, value_role::parameter);
  for (const char* each : {"means", "squares"})
    add_array(to, each, dtype::fp32, count, value_role::cache);
  for (const auto& [of, elements] : gradients)
    add_array(to, gradients_of(of), of, elements, value_role::gradient);
  add_norm(to, gradients, by.by.clip > 0 ? by.by.clip : k_no_limit);
  for (const step_part& each : parts)
    if (each.count > 0) add_part(to, has_masters, each, by);
}

}  // namespace assay::gpt2
