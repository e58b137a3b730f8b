// What must hold of choosing the next token, whatever the numbers are: exactly, all of it.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_sampling_properties(contract& c);

}  // namespace assay::properties
