// What holds of the gradients of a linear layer alone.
#pragma once

#include "properties/contract.hpp"
#include "properties/linear_layer.hpp"

namespace assay::properties {

void add_gradient_properties(contract& c, const linear_variant& of);

}  // namespace assay::properties
