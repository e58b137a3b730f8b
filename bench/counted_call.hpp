// One call of a kernel on the sanitized emulator, and what it counted: what claims of traffic rest
// on.
#pragma once

#include "optimized/simt/counters.hpp"
#include "properties/case.hpp"

#include <string>
#include <vector>

namespace assay::bench {

// What was counted, and what memcheck found it touch beside the tensors and the scratch memory of
// its call.
struct counted_call {
  simt::counters counted;
  std::vector<std::string> findings;
};
counted_call count_call(const properties::run_id& id);

// Bytes of global memory, by the formula of the contract or of the implementation.
double bytes_by_formula(const properties::run_id& id);

// Counts a call, and compares its bytes with the formula: adds a line for what contradicts.
void hold_to_formula(const properties::run_id& id, std::vector<std::string>& contradictions);

}  // namespace assay::bench
