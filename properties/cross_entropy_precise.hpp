// Cross-entropy's truths in many digits.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

precise_reference precise_cross_entropy();

}  // namespace assay::properties
