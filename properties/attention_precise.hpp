// Truths of attention in many digits, for goldens.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"
#include "reference/mpfr_real.hpp"

namespace assay::properties {

precise_reference precise_attention(const attention_variant& of);

// The scale of scores in as many digits.
reference::mpfr_real<960> precise_scale(const case_inputs& in);

}  // namespace assay::properties
