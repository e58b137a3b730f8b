// The cases of layer norm, and what becomes of the inputs of its gradients.
#pragma once

#include "properties/contract.hpp"

#include <cstdint>
#include <vector>

namespace assay::properties {

struct wanted_normalized_rows {
  std::int64_t rows, length;
  distribution_id from;
  std::int64_t align = 256;
  bool in_place = false;
  std::int64_t pad = 0;
  double eps = 1e-5;
};

case_id layer_norm_case(const contract& c, const std::vector<dtype>& types,
                        const wanted_normalized_rows& wanted, std::uint64_t seed);

// About a warp, a vector, what a warp and a block hold, and beyond; one element, one row, none;
// rows far from zero, constant, subnormal, special; eps = 0; gaps, in place, odd addresses.
std::vector<case_id> layer_norm_cases(const contract& c);

// Mean and rstd of a gradient's inputs become those of its x, in double and rounded to fp32, with
// eps = 1e-5; but under `exact` they stay what they are, integers.
void make_statistics(case_inputs& in);

}  // namespace assay::properties
