// What tells softmax's functions apart.
#pragma once

#include "properties/model.hpp"

#include <string>

namespace assay::properties {

enum class score_mask { none, causal, padding, additive };

struct softmax_variant {
  std::string name, formula, slope_formula;
  score_mask mask = score_mask::none;
  bool logarithm = false, scaled = false;

  double temperature(const case_inputs& in) const { return scaled ? in.parameters[0] : 1; }
};

// Of tensors under an added mask: where it stands among the inputs of the forward function.
inline constexpr std::size_t k_added_mask = 1;

}  // namespace assay::properties
