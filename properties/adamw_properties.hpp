// Properties of a step of AdamW.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_adamw_properties(contract& c);

}  // namespace assay::properties
