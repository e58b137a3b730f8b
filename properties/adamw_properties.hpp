// Properties of a step of AdamW, and of the copy of its weights where there is one.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_adamw_properties(contract& c);

}  // namespace assay::properties
