// Kernels held against what a golden recorded.
#pragma once

#include "golden/record.hpp"
#include "properties/harness.hpp"

#include <string>
#include <vector>

namespace assay::golden {

// A recorded case with the recorded truth in the reference's place. Throws bad_input where the
// record does not fit the contract.
properties::prepared_case prepared_from(const recorded_case& of);
// Does it fit? Not where its function is no more.
bool fits(const recorded_case& of);

// Where the reference in double lies further from the record than both errors allow; empty:
// nowhere.
std::string disagreement_with_double(const recorded_case& of);

// The largest share of its strict bound that a run took of any output; infinite where a bound of 0
// was not met, or nothing was.
double largest_fraction(const properties::run_report& report);

// Implementations of a case's function that take it.
std::vector<std::string> implementations_of(const properties::case_id& id);

}  // namespace assay::golden
