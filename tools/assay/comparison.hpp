// What compare and bench --against tell: two sides, benchmark by benchmark.
#pragma once

#include "bench/results.hpp"
#include "bench/verdict.hpp"
#include "bench/waiver.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace assay::tools {

// Benchmarks of both files, by name; and the names that only one has.
struct paired_results {
  std::vector<bench::two_sides> both;
  std::vector<std::string> only_before, only_after;
  std::map<std::string, std::string> failed;  // name to what failed there, on either side
};
paired_results pair_up(const bench::results& before, const bench::results& after);

struct comparison {
  paired_results measured;
  std::vector<bench::judgement> judged;     // one for each of measured.both
  std::map<std::string, std::string> also;  // short name to what else changed, in one line
  // Kernel to what the compiler gives it otherwise than before.
  std::map<std::string, std::string> resources;
  bench::waivers waived;
  bench::date day = bench::today();
};

// On standard output: a table and a summary line, or JSON.
void print_comparison(const comparison& made, bool as_json);

// 1 where a benchmark failed after the change, 3 where one is SLOW and not waived, 5 where one is
// AMBIGUOUS and that was asked for, else 0.
int status_of(const comparison& made, bool fail_on_ambiguous);

// "1.23 ms".
std::string time_text(double seconds);

// "bench/waivers.jsonl" of the git repository that the current folder is in; "" outside one.
std::string default_waivers();

}  // namespace assay::tools
