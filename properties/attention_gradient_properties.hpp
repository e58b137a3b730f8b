// What must hold of attention's gradients whatever the numbers are.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

void add_attention_gradient_properties(contract& c, const attention_variant& of);

}  // namespace assay::properties
