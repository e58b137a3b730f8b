#include "tools/gpt2/optimizer.hpp"

#include "tools/gpt2/host_optimizer.hpp"
#include "tools/gpt2/kernel_optimizer.hpp"

#include <cmath>
#include <numbers>

namespace assay::gpt2 {

double optimizer::rate() const {
  constexpr double k_least = 0.1;
  const double at = double(steps_ + 1);
  if (steps_ < by_.warmup) return by_.rate * at / double(by_.warmup);
  const double past = double(std::max<std::int64_t>(by_.steps - by_.warmup, 1)),
               share = std::min((at - double(by_.warmup)) / past, 1.0);
  return by_.rate * (k_least + (1 - k_least) * (1 + std::cos(std::numbers::pi * share)) / 2);
}

double optimizer::step(const weights& gradients) {
  const double now = rate();
  return apply(gradients, now, ++steps_);
}

std::unique_ptr<optimizer> make_optimizer(const engine_options& by, model& of,
                                          const training_settings& settings) {
  if (by.on == "reference") return std::make_unique<host_optimizer<double>>(of, settings);
  return std::make_unique<kernel_optimizer>(of, settings, execution_of(by));
}

}  // namespace assay::gpt2
