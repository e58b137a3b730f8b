// The tensors and parameters of a step of AdamW.
//
//   weight, mean, square, new_...  [n], fp32      gradient  [n]      factor  [], fp32
//   of `copied` alone: copy  [n], the new weight in the 16 bits that the model computes in
#pragma once

#include "properties/model.hpp"

#include <cstdint>

namespace assay::properties {

enum adamw_input : std::size_t { k_weight, k_gradient, k_mean, k_square, k_factor };
enum adamw_output : std::size_t { k_new_weight, k_new_mean, k_new_square, k_copy };
enum adamw_parameter : std::size_t { k_rate, k_beta1, k_beta2, k_eps, k_decay, k_step };

inline bool copies(const case_id& id) { return id.variant == "copied"; }
inline std::int64_t step_of(const case_inputs& in) { return std::int64_t(in.parameters[k_step]); }

}  // namespace assay::properties
