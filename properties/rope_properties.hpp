// What holds of rope whatever the numbers are.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_rope_properties(contract& c);

}  // namespace assay::properties
