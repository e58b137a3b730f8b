#include "tools/gpt2/planner.hpp"
#include "tools/gpt2/step_plan.hpp"

#include <tuple>

namespace assay::gpt2 {

// Parameters and gradients become parts of arrays: those with gradients of the model's own dtype
// first (norms have theirs in fp32), and of each dtype those that decay.
void planner::add_step(const step_settings& by) {
  using kind = std::tuple<bool, bool>;
  std::map<kind, std::vector<std::string>> kinds;
  for (const auto& [name, value] : plan_.values)
    if (value.role == value_role::parameter)
      kinds[{plan_.values.at("gradient." + name).type != by_.type, !decays(value.shape.size())}]
          .push_back(name);
  std::vector<step_part> parts;
  std::int64_t first = 0;
  std::map<dtype, std::int64_t> gradients;
  for (const auto& [of, names] : kinds) {
    const dtype type = plan_.values.at("gradient." + names.front()).type;
    step_part part{first, 0, !std::get<1>(of), type, gradients[type]};
    for (const std::string& name : names) {
      planned_value &parameter = plan_.values.at(name),
                    &gradient = plan_.values.at("gradient." + name);
      parameter.within = "parameters";
      parameter.first = part.first + part.count;
      gradient.within = gradients_of(type);
      gradient.first = part.first_gradient + part.count;
      part.count += parameter.elements();
    }
    first += part.count;
    gradients[type] += part.count;
    parts.push_back(part);
  }
  gpt2::add_step(plan_, by_.type, parts, by);
}

}  // namespace assay::gpt2
