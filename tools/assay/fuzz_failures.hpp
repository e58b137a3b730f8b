// What a fuzz does with runs that failed: one of each kind is shrunk, saved and told.
#pragma once

#include "tools/assay/fuzz_plan.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace assay::tools {

// Runs once more, in a process of its own, with every property; gives its report, with inputs and
// outputs saved in `folder` where it fails again.
nlohmann::json run_alone(const properties::run_id& run, const properties::run_settings& settings,
                         const std::string& folder);

bool has_failed(const nlohmann::json& report);  // or crashed

struct shrunk_run {
  properties::run_id run;
  int steps = 0, tried = 0;
};

// The simplest run that still fails, by simpler_runs: every step takes the first simpler run that
// fails too. Ends early, with what it has, when `stop` says so.
shrunk_run shrink(const properties::run_id& failing,
                  const std::function<bool(const properties::run_id&)>& fails,
                  const std::function<bool()>& stop);

// Failures that are told together: of one function, implementation and dtype.
class failures {
 public:
  void add(const nlohmann::json& failure);  // of run_batch
  std::size_t count() const { return count_; }
  bool any_crashed() const { return crashed_; }

  // A report of each kind, shrunk in at most `seconds` each; "found" is the run that was met first,
  // "alike" how many there were of its kind. `stop` ends the shrinking.
  std::vector<nlohmann::json> told(const properties::run_settings& settings,
                                   const std::string& folder, double seconds,
                                   const std::function<bool()>& stop) const;

 private:
  struct kind {
    nlohmann::json first;
    std::size_t count = 0;
  };
  std::map<std::string, kind> kinds_;
  std::vector<std::string> order_;
  std::size_t count_ = 0;
  bool crashed_ = false;
};

}  // namespace assay::tools
