// The optimizer by kernels, in fp32: gradients come from the host, and parameters go back to it.
#pragma once

#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/optimizer.hpp"

namespace assay::gpt2 {

// A step (step_plan.hpp) of so many elements, the first of which decay.
plan step_plan(std::int64_t elements, std::int64_t decaying, const step_settings& by);

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
