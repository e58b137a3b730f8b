// What each implementation of multi-head attention declares of its arithmetic, and what it
// promises.
#pragma once

#include "properties/contract.hpp"
#include "properties/multi_head_shape.hpp"

namespace assay::properties {

// All of them, of one variant.
std::vector<implementation> multi_head_implementations(const multi_head_variant& of);

// The case of attention that lies within one of multi-head attention: its tensors' shapes and
// dtypes.
case_id attention_within(const case_id& id);

}  // namespace assay::properties
