// What must be true of embedding and its gradients.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

void add_embedding_properties(contract& c);

}  // namespace assay::properties
