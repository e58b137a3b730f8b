// What must hold of decoding, whatever the numbers are.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_decode_properties(contract& c);
void add_paged_properties(contract& c);

}  // namespace assay::properties
