// How the kernels of optimized/embedding.cuh round, and what they move.
#pragma once

#include "properties/contract.hpp"

#include <vector>

namespace assay::properties {

std::vector<implementation> embedding_implementations(bool forward);

}  // namespace assay::properties
