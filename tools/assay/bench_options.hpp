// What the files of `assay bench` share.
#pragma once

#include "bench/by_turns.hpp"
#include "tools/assay/comparison.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace assay::tools {

struct common_options;

struct bench_options {
  std::vector<std::string> patterns;
  std::int64_t elements = 0;
  std::string cache = "cold";
  std::size_t processes = 0;  // 0: one, or 12 with --against
  unsigned repetitions = 0;   // 0: one, or 3 with --against
  double min_time = 0.05;
  std::string out, baseline;
  std::string against, build, out_before, waivers = default_waivers();
  bool no_build = false, fail_on_ambiguous = false;
};

// assay_bench with the options that concern it.
bench::timed_program timed_program_of(const bench_options& chosen, const std::string& path);

// Those of `all` (Google Benchmark's names) that a pattern matches; all where there is none. Throws
// bad_input where a pattern matches nothing.
std::vector<std::string> select_benchmarks(const std::vector<std::string>& all,
                                           const std::vector<std::string>& patterns);

// Measures with progress on standard error; ends by bad_input where a program cannot run.
std::vector<bench::results> measured_by_turns(const std::vector<bench::timed_program>& programs,
                                              const std::vector<std::string>& names,
                                              const bench_options& chosen, const std::string& what);

// Adds to a result's context what a history wants to know.
void add_context(bench::results& all, const std::string& source, const nlohmann::json& before);

// assay bench --against; returns the exit status.
int bench_against(const bench_options& chosen, const common_options& common);

void add_bench_claims(CLI::App& bench, const common_options& common, int& status);
void add_bench_counters(CLI::App& bench, const common_options& common, int& status);
void add_bench_resources(CLI::App& bench, const common_options& common, int& status);
void add_bench_waive(CLI::App& bench, int& status);

}  // namespace assay::tools
