// Truths of multi-head attention in many digits, for goldens.
#pragma once

#include "properties/contract.hpp"
#include "properties/multi_head_shape.hpp"

namespace assay::properties {

precise_reference precise_multi_head(const multi_head_variant& of);

}  // namespace assay::properties
