// What must be true of cross-entropy and its gradient.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_cross_entropy_properties(contract& c);

}  // namespace assay::properties
