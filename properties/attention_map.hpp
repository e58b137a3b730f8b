// Where an output of attention stands among queries and keys.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

// An element of o or lse stands at its query, and in the block of keys that, left out or counted up
// to twice, comes nearest to its row's error; where the row has none, or one that is no number, in
// the block with the most weight; without a column where the query sees no key.
element_map attention_map(const attention_variant& of);

}  // namespace assay::properties
