// What assay_bench times: from the contracts alone.
#pragma once

#include <cstdint>
#include <string>

namespace assay::bench {

struct suite_options {
  std::int64_t elements = 0;  // a tensor; 0: 2^26 on cuda, 2^16 on the emulator
  bool cold = true;           // tensors larger than the cache together, used in turn
  bool warm = false;          // the same tensors every time
  bool judge = true;          // what was timed; without, a wrong kernel has a time
  bool roofs = true;          // measure the memory's own copy; else there is no share of it
};

// Registers, with Google Benchmark, every implementation of every contract, on every backend at
// hand, and the reference, dtype by dtype:
//   FUNCTION/IMPLEMENTATION/DTYPE/BACKEND/CACHE     relu.plain.fwd/select/fp32/emulator/cold
//   FUNCTION/reference/DTYPE/host/warm
void register_suite(const suite_options& options);

// Runs what is registered and chosen. False where nothing was, or something timed was wrong, could
// not run, or cannot be (roof.hpp).
bool run_suite();

}  // namespace assay::bench
