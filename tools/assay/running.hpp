// Runs in child processes: what check and replay share.
#pragma once

#include "properties/harness.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <string>

namespace assay::tools {

// Tools by the names of compute-sanitizer, comma-separated; "all". Throws bad_input for others.
simt::sanitizer_tools tools_named(const std::string& names);

// Throws bad_input where sanitizers were asked for on another backend than the emulator.
void refuse_sanitizers_on(const std::string& backend, const properties::run_settings& settings);

// The CUDA device as a child process sees it (the parent must stay without a context):
// {"available": bool, "why": "no device", "name": ...}.
const nlohmann::json& probed_device();
// Whether there is one; complains where there is none.
bool cuda_is_there();

// When the process of a run is ended: later than the emulator, which knows more, ends the kernel.
inline double process_limit(double run_limit_seconds) {
  return run_limit_seconds + std::max(1.0, run_limit_seconds / 10);
}

// Asks a run that passed for one of its contract's properties (the k-th, or the one that k is
// modulo their number): where it does not hold, the run has failed.
void ask_property(properties::run_report& report, std::size_t k,
                  const properties::run_settings& settings);

// The handler of one run: {"id": ...} to a report as to_json makes it, failures saved in `folder`
// (none where it is empty). With `properties` every property of the contract is asked for too.
std::function<nlohmann::json(const nlohmann::json&)> run_handler(
    const properties::run_settings& settings, const std::string& folder, bool properties = false);

}  // namespace assay::tools
