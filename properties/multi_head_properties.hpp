// What holds of multi-head attention whatever the numbers are.
#pragma once

#include "properties/contract.hpp"
#include "properties/multi_head_shape.hpp"

namespace assay::properties {

void add_multi_head_properties(contract& c, const multi_head_variant& of);

}  // namespace assay::properties
