// Steps of a model's parameters, as training_settings.hpp says.
#pragma once

#include "tools/gpt2/engine.hpp"
#include "tools/gpt2/training_settings.hpp"

namespace assay::gpt2 {

class optimizer {
 public:
  explicit optimizer(const training_settings& by) : by_(by) {}
  virtual ~optimizer() = default;

  // One step of the model's parameters along `gradients`. Returns their global norm, before
  // clipping.
  double step(const weights& gradients);

  std::int64_t steps() const { return steps_; }
  double rate() const;  // of the next step

 protected:
  const training_settings& settings() const { return by_; }

 private:
  // Step `number`, from 1 on.
  virtual double apply(const weights& gradients, double rate, std::int64_t number) = 0;

  training_settings by_;
  std::int64_t steps_ = 0;
};

// In double where the reference computes, else by kernels. `of` stays where it is.
std::unique_ptr<optimizer> make_optimizer(const engine_options& by, model& of,
                                          const training_settings& settings);

}  // namespace assay::gpt2
