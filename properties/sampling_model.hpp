// Which tokens a kernel's arithmetic leaves open (optimized/sampling*.cuh).
//
// Greedy, the order of logits, and the k-th largest are exact. What rounds are weights e^x, and, in
// one of the kernels, their sums. So each weight, as the kernel has it, lies between two ends; the
// set that top-p keeps is a beginning of the order from the largest logit down, whose last token
// may be any of a run; and with each such set the token may be any kept one, of a weight that may
// not be 0, between the first at which the sum may exceed u times the total, and the first at which
// it does.
//
// Where all weights are 0 or 1 for certain, nothing rounds, and one token is left.
#pragma once

#include "properties/sampling_rows.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

enum class sampling_sums {
  exact,       // weights and u cut to whole numbers, of 2^-40 and 2^-53; sums without an error
  sequential,  // fp32, from the first column on; u cut to 24 bits, products rounded
};

// Ascending; of a row that has a next token.
std::vector<std::int64_t> open_tokens(std::span<const double> logits,
                                      const reference::sampling_settings<double>& by, double u,
                                      sampling_sums sums);

}  // namespace assay::properties
