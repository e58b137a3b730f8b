#include "tools/gpt2/plan.hpp"

#include "properties/bad_input.hpp"
#include "tools/gpt2/planner.hpp"

#include <functional>
#include <numeric>

namespace assay::gpt2 {

std::int64_t planned_value::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t(1), std::multiplies<>());
}

plan planned(const reference::gpt2_config& config, const plan_settings& by) {
  if (config.residuals && !config.norms)
    throw bad_input("there are no kernels for residuals without norms");
  planner all(config, by);
  all.add_forward();
  if (by.backward || by.step) all.add_backward();
  if (by.step) all.add_step(*by.step);
  if (by.next) all.add_next(*by.next);
  return all.take();
}

}  // namespace assay::gpt2
