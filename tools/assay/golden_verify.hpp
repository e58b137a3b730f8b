// Goldens held against the reference and against every kernel.
#pragma once

#include "golden/store.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace assay::tools {

// One component's golden, verified.
struct verification {
  std::string component;
  std::size_t cases = 0, runs = 0;
  std::vector<std::string> wrong, pending;  // lines: of a kernel or R0; of what is to be accepted
  int failed = 0, crashed = 0;
  double fraction = 0;
};

// Throws bad_input where a file is no golden. Kernels run in `jobs` processes (0: one per core),
// each for `time_limit` seconds at most.
verification verify_golden(const golden::store& kept, const std::string& component, unsigned jobs,
                           double time_limit);

}  // namespace assay::tools
