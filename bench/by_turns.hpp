// Benchmarks timed in processes of their own, several programs by turns: a sample is a process.
#pragma once

#include "bench/results.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace assay::bench {

// A program on Google Benchmark with its own arguments.
struct timed_program {
  std::string path;
  std::vector<std::string> arguments;
  // Those of every process but the first: what one has judged, others need not judge again.
  std::vector<std::string> later = {};
};

// The names of its benchmarks. Throws child_failed.
std::vector<std::string> benchmarks_of(const timed_program& program);

struct turn_options {
  std::size_t processes = 1;  // of each program
  unsigned repetitions = 1;   // in a process, whose median is the process's time
  double min_time = 0.05;     // seconds, of a repetition
  std::uint64_t seed = 1;     // of the order within a turn
  std::function<bool()> stop;
  std::function<void(std::size_t done, std::size_t total)> progress;  // benchmarks timed
};

// Each turn runs every program once, in an order drawn by chance. One result a program, with one
// entry a process of each benchmark. A benchmark that reported an error has it in its result.
// Throws child_failed where a program ends otherwise than by 0 or 1, or leaves no result;
// child_interrupted.
std::vector<results> measure_by_turns(const std::vector<timed_program>& programs,
                                      const std::vector<std::string>& names,
                                      const turn_options& options);

}  // namespace assay::bench
