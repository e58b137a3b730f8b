// AdamW (Loshchilov, Hutter, "Decoupled weight decay regularization", arXiv:1711.05101, algorithm
// 2) of step t = 1, 2, ..., and the global norm by which gradients are clipped (Pascanu, Mikolov,
// Bengio 2013, algorithm 1):
//
//   m = beta1 m + (1 - beta1) g     v = beta2 v + (1 - beta2) g^2
//   w = w - rate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + decay w)
//
//   norm = sqrt(sum of g^2 over all parameters);   g = g min(1, limit / norm)
//
// Policies: a norm of 0 clips nothing; one that is no number or infinite makes every gradient NaN.
#pragma once

#include "reference/special.hpp"

#include <span>

namespace assay::reference {

template <real R>
struct adamw_settings {
  R rate, beta1, beta2, eps, decay;
};

/// One step of one parameter. beta1^t and beta2^t are `beta1_power` and `beta2_power`.
template <real R>
void adamw_step(const adamw_settings<R>& by, const R& beta1_power, const R& beta2_power,
                std::span<const R> gradient, std::span<R> weight, std::span<R> mean,
                std::span<R> square) {
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const R g = gradient[i];
    mean[i] = by.beta1 * mean[i] + (R(1) - by.beta1) * g;
    square[i] = by.beta2 * square[i] + (R(1) - by.beta2) * g * g;
    const R unbiased = mean[i] / (R(1) - beta1_power),
            root = special<R>::sqrt(R(square[i] / (R(1) - beta2_power)));
    weight[i] = weight[i] - by.rate * (unbiased / (root + by.eps) + by.decay * weight[i]);
  }
}

/// What gradients of this norm are multiplied by.
template <real R>
R clipping_factor(const R& norm, const R& limit) {
  if (!is_finite(norm)) return R(k_nan);
  return norm > limit ? R(limit / norm) : R(1);
}

}  // namespace assay::reference
