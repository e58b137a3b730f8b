// AdamW over a model's parameters (reference/adamw.hpp), in double, with clipping by the global
// norm and a rate that rises over the first steps and falls to a tenth along a cosine (Loshchilov,
// Hutter, arXiv:1608.03983, without restarts). Matrices decay; biases and norms do not.
#pragma once

#include "tools/gpt2/model_folder.hpp"

namespace assay::gpt2 {

struct training_settings {
  std::int64_t steps = 100, warmup = 10;
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.99, eps = 1e-8, decay = 0.1;
  double clip = 1;  // of the global norm; 0: none
};

class optimizer {
 public:
  // `of` stays where it is.
  optimizer(model& of, const training_settings& by);

  // One step along `gradients`, which are changed. Returns their global norm, before clipping.
  double step(weights& gradients);

  std::int64_t steps() const { return steps_; }
  double rate() const;  // of the next step

 private:
  model& of_;
  training_settings by_;
  weights means_, squares_;
  std::int64_t steps_ = 0;
};

// The square root of the sum of all squares.
double global_norm(const weights& all);

}  // namespace assay::gpt2
