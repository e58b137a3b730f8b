// A step of the optimizer as operations of a plan: the global norm of all gradients with the factor
// that clips them, then AdamW. The factor stays on the device.
//
// Parameters that are stepped alike are neighbours in a few arrays, and a step is a few calls,
// however many parameters there are:
//
//   parameters       [n]  of the dtype that the model computes in
//   weights          [n]  fp32: their masters, where that dtype is another
//   means, squares   [n]  fp32
//   gradients.DTYPE  [m]  one for each dtype that gradients have
//   norm, factor     []   fp32; the norm is that before clipping
#pragma once

#include "tools/gpt2/plan.hpp"

namespace assay::gpt2 {

// Parameters that are stepped alike: their elements in the arrays.
struct step_part {
  std::int64_t first = 0, count = 0;
  bool decays = false;
  dtype gradient = dtype::fp32;
  std::int64_t first_gradient = 0;  // in the array of this dtype
};

// The name of the array of gradients of a dtype.
std::string gradients_of(dtype type);

// Adds the arrays, and the operations behind those that are there. `type`: of the parameters.
void add_step(plan& to, dtype type, const std::vector<step_part>& parts, const step_settings& by);

}  // namespace assay::gpt2
