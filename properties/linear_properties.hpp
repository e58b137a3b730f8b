// What holds of a linear layer and its gradients whatever the numbers are.
#pragma once

#include "properties/contract.hpp"
#include "properties/linear_layer.hpp"

namespace assay::properties {

void add_linear_properties(contract& c, const linear_variant& of, bool forward);

}  // namespace assay::properties
