// What each kernel of the global norm computes, operation by operation.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

std::vector<implementation> global_norm_implementations();

}  // namespace assay::properties
