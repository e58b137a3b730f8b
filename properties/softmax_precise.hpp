// Softmax's truths in many digits.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

// Of the results or of the gradients; `scaled`: the first parameter is the temperature.
precise_reference precise_softmax(bool logarithm, bool scaled, bool forward);

}  // namespace assay::properties
