// Of which elements of multi-head attention its implementations promise anything.
#pragma once

#include "properties/multi_head_shape.hpp"

#include <vector>

namespace assay::properties {

// One a number of y.
std::vector<bool> promised_of(const multi_head_variant& of, const case_inputs& in);

}  // namespace assay::properties
