// Where an output of attention stands among queries and keys.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

// An element of o or lse stands at its query and at the key that this query gives the largest
// weight; without a column where the query sees no key.
element_map attention_map(const attention_variant& of);

}  // namespace assay::properties
