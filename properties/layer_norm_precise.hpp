// Truths of layer norm in many digits, for goldens.
#pragma once

#include "properties/contract.hpp"
#include "properties/layer_norm_rows.hpp"

namespace assay::properties {

precise_reference precise_layer_norm(const layer_norm_variant& of, bool forward);

}  // namespace assay::properties
