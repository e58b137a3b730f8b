// Softmax's truths in many digits.
#pragma once

#include "properties/contract.hpp"
#include "properties/softmax_variant.hpp"

namespace assay::properties {

// Of a variant's results, or of its gradients.
precise_reference precise_softmax(const softmax_variant& of, bool forward);

}  // namespace assay::properties
