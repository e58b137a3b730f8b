// What a causal mask costs before the softmax that it is for: four ways to the same weights, by the
// bytes that they move.
#pragma once

#include "bench/claims.hpp"
#include "properties/case.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::bench {

// Kernels, each on what the one before it left, from the scores of a head to their softmax.
struct masked_way {
  std::string name;
  std::vector<properties::run_id> kernels;
  double set_bytes = 0;  // zeros that the device's own memset writes before: no kernel, not counted
};

// As many queries as keys, in one head of one batch. Last the way without a mask in memory.
std::vector<masked_way> masked_ways(std::int64_t tokens, dtype type);

// By the formulas of contracts and implementations.
double bytes_of(const masked_way& way);

claimed mask_claims();

}  // namespace assay::bench
