// The properties of softmax under a mask, and of its gradient.
#pragma once

#include "properties/contract.hpp"

#include <string>
#include <vector>

namespace assay::properties {

// Adds to a contract of softmax those that its mask has; none where it has no mask.
void add_softmax_mask_properties(contract& c);

}  // namespace assay::properties
