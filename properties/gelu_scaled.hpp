// gelu(alpha x), alpha a parameter: its contracts. Part of the component gelu.
#pragma once

#include "properties/contract.hpp"

#include <vector>

namespace assay::properties {

std::vector<contract> gelu_scaled_contracts();

}  // namespace assay::properties
