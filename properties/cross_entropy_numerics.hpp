// How the kernels of optimized/cross_entropy*.cuh round, what they promise, and what they move.
#pragma once

#include "properties/contract.hpp"

#include <vector>

namespace assay::properties {

std::vector<implementation> cross_entropy_implementations(bool gradient);

}  // namespace assay::properties
