// The cases of attention's contracts.
#pragma once

#include "properties/contract.hpp"

#include <vector>

namespace assay::properties {

struct wanted_attention {
  std::int64_t batch, queries, keys, heads, group, width;
  distribution_id from;
  std::int64_t align = 256, pad = 0;
  double scale = 0;
  bool causal = false;  // where that is a parameter
};
case_id attention_case(const contract& c, const std::vector<dtype>& types,
                       const wanted_attention& wanted, std::uint64_t seed);

// Of every combination of dtypes, all that are wanted, each with a seed of its own, from `seed` on.
std::vector<case_id> attention_cases(const contract& c, const std::vector<wanted_attention>& wanted,
                                     std::uint64_t seed = 1);

// What attention, forward and backward, is checked on.
std::vector<case_id> attention_cases(const contract& c);

}  // namespace assay::properties
