// Truths of linear layers in many digits, for goldens.
#pragma once

#include "properties/contract.hpp"
#include "properties/linear_layer.hpp"

namespace assay::properties {

precise_reference precise_linear(const linear_variant& of);

}  // namespace assay::properties
