// What holds of layer norm whatever the numbers are.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

// Adds the properties of the contract's direction and variant.
void add_layer_norm_properties(contract& c);

}  // namespace assay::properties
