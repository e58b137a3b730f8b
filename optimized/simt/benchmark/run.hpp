// What the benchmark runs in each build. All return the seconds of CPU time that one launch took.
#pragma once

namespace assay::simt {

struct benchmarks {
  double (*gelu)(int n);
  double (*softmax)(int rows, int columns);
  double (*attention)(int heads, int length);  // causal, heads 64 wide
};

const benchmarks& plain_benchmarks();
const benchmarks& sanitized_benchmarks();
const benchmarks& gpu_benchmarks();

}  // namespace assay::simt
