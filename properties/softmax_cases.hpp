// The cases of softmax's contracts, and the inputs of its gradients.
#pragma once

#include "properties/contract.hpp"

#include <cstdint>
#include <vector>

namespace assay::properties {

struct wanted_rows {
  std::int64_t rows, length;
  distribution_id from;
  std::int64_t align = 256;
  bool in_place = false;
  std::int64_t pad = 0;
};

// A case of `c` with so many rows (queries) of so many scores.
case_id softmax_case(const contract& c, const std::vector<dtype>& types, const wanted_rows& wanted,
                     std::uint64_t seed);

// What `check` runs: rows of 0, of 1 and of every kernel's length, ragged, misaligned, in place, of
// every kind of data.
std::vector<case_id> softmax_cases(const contract& c);

// An added mask as it is drawn, but for one in four that mask and one in four that add nothing.
void make_added_mask(case_inputs& in);

// The backward functions' y: of the row that was drawn, its softmax or the logarithm of that, by
// IEEE operations alone and rounded to the dtype. Exact data stay as they were drawn, for which the
// gradients' formulas hold as well; so does what the position masks, which nobody may read.
void make_softmax_results(bool logarithm, case_inputs& in);

}  // namespace assay::properties
