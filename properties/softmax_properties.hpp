// The properties of softmax and of its logarithm, and of their gradients.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

// Adds to a contract of softmax those that its variant and direction have.
void add_softmax_properties(contract& c);

}  // namespace assay::properties
