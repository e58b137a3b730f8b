// a + b, element by element: exactly, as the rounded sum and what that lost.
//
// Policies: those of IEEE 754. Infinities of both signs give NaN; two zeros give a zero that is
// negative where both are, and x + (-x) = +0.
#pragma once

#include "reference/enclosure.hpp"
#include "reference/exact.hpp"

namespace assay::reference {

/// Numbers of at most 53 bits.
inline enclosure<double> addition(double a, double b) {
  if (!is_finite(a + b)) return exactly(a + b);
  const exact_result<double> sum = two_sum(a, b);
  return {sum.value, sum.error, 0};
}

}  // namespace assay::reference
