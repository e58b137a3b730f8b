// What became of runs, told to people and to programs.
#pragma once

#include "properties/harness.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace assay::tools {

// A run's report as JSON, without its tensors; infinities and NaNs are texts. `settings` are what
// it ran with, `properties` whether these were asked for: "replay" is the command that runs it so
// again.
nlohmann::json to_json(const properties::run_report& report,
                       const properties::run_settings& settings, bool properties = false);

// Of one output; `tensor` is its specification, `id` its case.
nlohmann::json to_json(const properties::output_verdict& verdict,
                       const properties::tensor_spec& tensor, const properties::case_id& id);

// The report of a run whose process died, or was ended: `how` is its reason.
nlohmann::json report_of_death(const properties::run_id& id,
                               const properties::run_settings& settings, const std::string& how,
                               bool properties = false);

// The five lines that tell a failure: what, where, whether it repeats, how to see it again, and
// where inputs and outputs were saved.
std::string told(const nlohmann::json& report);

// Saves inputs, outputs and truth of a failed run as one safetensors file in `folder`; returns its
// path.
std::string save_failure(const properties::run_report& report,
                         const properties::prepared_case& prepared, const std::string& folder);

// The table of a check: a row for each function, implementation, dtype and backend.
std::string summary_table(const std::vector<nlohmann::json>& reports);

// JUnit XML of all reports.
std::string junit(const std::vector<nlohmann::json>& reports);

// A number from JSON written by to_json.
double number_in(const nlohmann::json& value);

}  // namespace assay::tools
