// Truths of linear attention in many digits, for goldens.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

precise_reference precise_linear_attention(const attention_variant& of);

}  // namespace assay::properties
