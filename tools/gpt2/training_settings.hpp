// How parameters go along their gradients: AdamW (reference/adamw.hpp), with clipping by the global
// norm and a rate that rises over the first steps and falls to a tenth along a cosine (Loshchilov,
// Hutter, arXiv:1608.03983, without restarts). Matrices decay; biases and norms do not.
#pragma once

#include <cstdint>

namespace assay::gpt2 {

struct training_settings {
  std::int64_t steps = 100, warmup = 10;
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.99, eps = 1e-8, decay = 0.1;
  double clip = 1;  // of the global norm; 0: none

  bool operator==(const training_settings&) const = default;
};

// One step of it.
struct step_settings {
  training_settings by;
  double rate = 0;
  std::int64_t number = 1;  // from 1 on

  bool operator==(const step_settings&) const = default;
};

// Does a parameter of so many dimensions decay?
constexpr bool decays(std::size_t rank) { return rank == 2; }

}  // namespace assay::gpt2
