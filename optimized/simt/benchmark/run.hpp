// What the benchmark runs in each build.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::simt {

// What one launch led to.
struct measurement {
  double seconds = 0;        // of CPU time
  std::size_t findings = 0;  // which have been printed
  std::uint32_t output = 0;  // a hash of all output's bits
};

struct benchmarks {
  measurement (*gelu)(int n);
  measurement (*softmax)(int rows, int columns);
  measurement (*attention)(int heads, int length);  // causal, heads 64 wide
};

const benchmarks& plain_benchmarks();
const benchmarks& sanitized_benchmarks();

}  // namespace assay::simt
