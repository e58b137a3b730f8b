// How the kernels of optimized/sampling*.cuh choose, what they promise, and what they move.
#pragma once

#include "properties/contract.hpp"

#include <vector>

namespace assay::properties {

std::vector<implementation> sampling_implementations(bool draws);

}  // namespace assay::properties
