// The strict bound: what an implementation promises of one output element, and how an element is
// held against it.
//
// Two measures, both derived, never chosen:
//
//   error             |got - truth| <= limit. For a function verified over all its inputs: limit is
//                     its stated ULP figure times ulp(truth).
//   before_rounding   limit bounds the implementation's error before its last rounding (running
//                     error analysis, arithmetic.hpp). The last rounding is not an error to be
//                     allowed for: `got` must be what some real number within `limit` of the truth
//                     rounds to. Compared with |got - truth| <= limit + ulp / 2 this takes away the
//                     half ulp in which a 16-bit output would hide a wrong scale.
//
// Every comparison has the form !(measured <= limit), so that a NaN fails it.
#pragma once

#include "reference/round.hpp"

#include <cmath>

namespace assay::properties {

struct element_bound {
  double limit = 0;
  bool before_rounding = false;
};

// What is known of the exact result of one element.
struct element_truth {
  double value = 0;  // NaN and infinities where the mathematics has them
  double error = 0;  // |value - exact| is at most this
};

// How far `got`, a value of `f`, lies from the truth, in the measure of the bound. Infinite where
// an infinity stands against a finite number and where a NaN stands alone; 0 where both are NaN or
// the same infinity.
double measured(const reference::format& f, double got, const element_truth& truth,
                bool before_rounding);

// Within the bound, with the reference's own error on the implementation's side. Where nothing is
// measured nothing need be allowed (a NaN that is a NaN has no bound).
inline bool within(double measured, const element_bound& bound, const element_truth& truth) {
  return measured == 0 || measured <= bound.limit + truth.error;
}

// measured / limit; 0 / 0 is 0: nothing was allowed and nothing was taken.
inline double fraction_of(double measured, const element_bound& bound) {
  return measured == 0 ? 0 : measured / bound.limit;
}

}  // namespace assay::properties
