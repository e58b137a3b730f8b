// Inputs of a property that asks for what holds only where nothing overflows or underflows.
#pragma once

#include "properties/model.hpp"

namespace assay::properties {

// A number between 2^-4 and 2^4 with the significand and the sign of x, of any dtype; 0.75 for what
// is 0, infinite or no number.
double moderate(double x);

// The inputs with a parameter, which is one of the contract's and of its range, set to another
// value; in the id, too, where that gives it.
case_inputs with_parameter(case_inputs in, std::size_t which, double value);

}  // namespace assay::properties
