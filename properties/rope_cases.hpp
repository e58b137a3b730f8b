// The cases of rope's contracts.
#pragma once

#include "properties/contract.hpp"

#include <cstdint>
#include <vector>

namespace assay::properties {

struct wanted_rotation {
  std::int64_t batch = 1, t = 1, heads = 1, d = 2;
  distribution_id from = {"normal", {}};
  double offset = 0;
  std::int64_t align = 256;
  bool in_place = false;
  double base = 10000, scale = 4;
};

case_id rope_case(const contract& c, const std::vector<dtype>& types, const wanted_rotation& wanted,
                  std::uint64_t seed);

// What `check` runs: heads of every width about those of a word and a block, ragged, misaligned, in
// place; positions from 0 to 2^24; every kind of data.
std::vector<case_id> rope_cases(const contract& c);

}  // namespace assay::properties
