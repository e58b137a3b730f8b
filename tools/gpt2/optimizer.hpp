// AdamW over a model's parameters (reference/adamw.hpp), with clipping by the global norm and a
// rate that rises over the first steps and falls to a tenth along a cosine (Loshchilov, Hutter,
// arXiv:1608.03983, without restarts). Matrices decay; biases and norms do not.
#pragma once

#include "tools/gpt2/engine.hpp"

namespace assay::gpt2 {

struct training_settings {
  std::int64_t steps = 100, warmup = 10;
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.99, eps = 1e-8, decay = 0.1;
  double clip = 1;  // of the global norm; 0: none
};

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

// Does a parameter of this shape decay?
inline bool decays(const reference::shape& extents) { return extents.rank() == 2; }

// In double where the reference computes, else by kernels. `of` stays where it is.
std::unique_ptr<optimizer> make_optimizer(const engine_options& by, model& of,
                                          const training_settings& settings);

}  // namespace assay::gpt2
