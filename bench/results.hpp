// Results as Google Benchmark writes them (its JSON format), read and written: what its compare.py
// and github-action-benchmark read, assay reads and writes.
#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace assay::bench {

struct measured {
  std::string name;             // with what Google Benchmark appends ("/manual_time")
  std::vector<double> seconds;  // real time of an iteration, one a repetition, in the file's order
  std::string error;            // what the benchmark itself said was wrong; empty: nothing
  std::vector<nlohmann::json> entries;  // as they stand in the file, one a repetition
};

struct results {
  nlohmann::json context = nlohmann::json::object();
  std::vector<measured> benchmarks;  // in the order of their first repetition
};

// Throws bad_input, which names `from` and the place, for what is no such file: no JSON, no
// benchmarks, a time that is no positive number, an unknown unit, aggregates without repetitions.
results parse_results(const std::string& text, const std::string& from);
results read_results(const std::string& path);

// The file again: repetitions are numbered anew.
std::string to_text(const results& all);

// A name without what Google Benchmark appends to say how it timed: "/manual_time",
// "/iterations:30".
std::string short_name(const std::string& name);

}  // namespace assay::bench
