// Properties of the global norm and its clipping factor.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_global_norm_properties(contract& c);

}  // namespace assay::properties
