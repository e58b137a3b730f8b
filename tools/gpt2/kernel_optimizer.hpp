// The optimizer by kernels: parameters, moments and gradients are each one array of fp32 on the
// device, those that decay first, and a step is three calls: the global norm of all gradients with
// the factor that clips them, AdamW of what decays, AdamW of the rest. The factor stays on the
// device.
#pragma once

#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/optimizer.hpp"

namespace assay::gpt2 {

// Values `weights`, `gradients`, `means`, `squares` [elements], `norm`, `factor`, of which so many
// elements decay.
plan step_plan(std::int64_t elements, std::int64_t decaying, const training_settings& by,
               double rate, std::int64_t number);

class kernel_optimizer : public optimizer {
 public:
  // `of` stays where it is. Its parameters become numbers of fp32.
  kernel_optimizer(model& of, const training_settings& by, const execution& how);

 private:
  double apply(const weights& gradients, double rate, std::int64_t number) override;
  // The elements of all parameters, in the arrays' order.
  std::vector<double> in_order(const weights& all) const;

  model& of_;
  std::vector<std::string> order_;  // names, those that decay first
  std::int64_t elements_ = 0, decaying_ = 0;
  executor run_;
};

}  // namespace assay::gpt2
