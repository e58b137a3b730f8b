// Kernels on recorded cases, in child processes, and how assay golden tells what changed.
#pragma once

#include "golden/difference.hpp"
#include "golden/kernels.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace assay::tools {

// A kernel on a recorded case, on the emulator.
struct golden_run {
  const golden::recorded_case* of = nullptr;
  std::string implementation;
  // What came of it, as report.hpp tells it, and "fraction": the largest share of a strict bound.
  nlohmann::json report;
};

// Every implementation of each case that takes it.
std::vector<golden_run> runs_of(const std::vector<const golden::recorded_case*>& cases);
// Fills in the reports. Runs that were not made, because of an interrupt, are `not run`.
void run_kernels(std::vector<golden_run>& runs, unsigned jobs, double time_limit,
                 const std::string& what);

// What changed between two goldens of one component, and what it means for the kernels.
struct golden_changes {
  std::string component;
  std::vector<golden::change> changes;
  // By case and implementation: fractions of the bound before and after; empty: no such case.
  struct fractions {
    std::string implementation;
    std::optional<double> before, after;
  };
  std::map<std::string, std::vector<fractions>> kernels;
};

// Both may be empty. Runs the kernels of the cases that changed.
golden_changes changes_between(const std::string& component,
                               const std::optional<golden::record>& before,
                               const std::optional<golden::record>& after, unsigned jobs,
                               double time_limit);

std::string told(const golden_changes& all);
std::string markdown(const std::vector<golden_changes>& all);
nlohmann::json to_json(const golden_changes& all);

}  // namespace assay::tools
