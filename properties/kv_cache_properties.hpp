// What must hold of appending to a cache, in one piece or in pages: bit for bit, all of it.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_append_properties(contract& c);

}  // namespace assay::properties
