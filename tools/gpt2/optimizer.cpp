#include "tools/gpt2/optimizer.hpp"

#include "reference/adamw.hpp"
#include "reference/global_norm.hpp"
#include "tools/gpt2/norm.hpp"

#include <cmath>
#include <numbers>

namespace assay::gpt2 {

optimizer::optimizer(model& of, const training_settings& by) : of_(of), by_(by) {
  for (const auto& [name, parameter] : of.parameters) {
    means_.emplace(name, reference::tensor<double>(parameter.extents()));
    squares_.emplace(name, reference::tensor<double>(parameter.extents()));
  }
}

double optimizer::rate() const {
  constexpr double k_least = 0.1;
  const double at = double(steps_ + 1);
  if (steps_ < by_.warmup) return by_.rate * at / double(by_.warmup);
  const double past = double(std::max<std::int64_t>(by_.steps - by_.warmup, 1)),
               share = std::min((at - double(by_.warmup)) / past, 1.0);
  return by_.rate * (k_least + (1 - k_least) * (1 + std::cos(std::numbers::pi * share)) / 2);
}

double optimizer::step(weights& gradients) {
  const double norm = global_norm(gradients),
               factor = by_.clip > 0 ? reference::clipping_factor(norm, by_.clip) : 1;
  reference::adamw_settings<double> settings{rate(), by_.beta1, by_.beta2, by_.eps, 0};
  ++steps_;
  const double power1 = std::pow(by_.beta1, double(steps_)),
               power2 = std::pow(by_.beta2, double(steps_));
  for (auto& [name, parameter] : of_.parameters) {
    reference::tensor<double>& gradient = gradients.find(name)->second;
    for (double& each : gradient.elements()) each *= factor;
    settings.decay = parameter.extents().rank() == 2 ? by_.decay : 0;
    reference::adamw_step<double>(settings, power1, power2, gradient.elements(),
                                  parameter.elements(), means_.find(name)->second.elements(),
                                  squares_.find(name)->second.elements());
  }
  return norm;
}

double global_norm(const weights& all) {
  double sum = 0;
  for (const auto& [name, tensor] : all) sum += sum_of_squares(tensor.elements());
  return std::sqrt(sum);
}

}  // namespace assay::gpt2
