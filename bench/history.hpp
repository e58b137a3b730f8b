// Results kept: FOLDER/MACHINE/YYYY-MM.jsonl, a line a benchmark and measurement, only ever
// appended to, so that git merges two histories by taking the lines of both (.gitattributes).
//
// A record: {"benchmark", "time" (UTC), "seconds" (a sample a process), "machine", "conditions",
// "software", "source"}: the machine is the key of a series, the rest is its context
// (bench/machine.hpp).
#pragma once

#include "bench/results.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace assay::bench {

struct record {
  std::string machine;  // the folder
  std::string benchmark, time;
  std::vector<double> seconds;
  nlohmann::json context;  // "machine", "conditions", "software", "source"
};

// What `assay bench --out` measured. Throws bad_input where the file does not say on which machine
// and when it was made. Without benchmarks that reported an error.
std::vector<record> records_of(const results& all, const std::string& from);

// Appends each to its file under `folder`; a record that is there already (benchmark and time) is
// left out. Returns how many were added, by file. Throws bad_input; a file is never left with half
// a line.
std::map<std::string, std::size_t> append(const std::string& folder,
                                          const std::vector<record>& records);

// All records, by time; throws bad_input, with file and line, for what is none.
std::vector<record> read_history(const std::string& folder);

// One character a value, from the least to the largest.
std::string sparkline(const std::vector<double>& values);

}  // namespace assay::bench
