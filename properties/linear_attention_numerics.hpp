// What each kernel of linear attention declares of its arithmetic, and what it promises.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

// All of them, of one variant.
std::vector<implementation> linear_attention_implementations(const attention_variant& of);

}  // namespace assay::properties
