// What holds of the gradients of layer norm alone.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_layer_norm_gradient_properties(contract& c);

}  // namespace assay::properties
