// What must hold of attention, whatever the numbers are.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

void add_attention_properties(contract& c, const attention_variant& of);

}  // namespace assay::properties
