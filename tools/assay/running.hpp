// Runs in child processes: what check and replay share.
#pragma once

#include "properties/harness.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace assay::tools {

// Tools by the names of compute-sanitizer, comma-separated; "all". Throws bad_input for others.
simt::sanitizer_tools tools_named(const std::string& names);

// The CUDA device as a child process sees it (the parent must stay without a context):
// {"available": bool, "why": "no device", "name": ...}.
const nlohmann::json& probed_device();

// The handler of one run: {"id": ...} to a report as to_json makes it, failures saved in `folder`
// (none where it is empty).
std::function<nlohmann::json(const nlohmann::json&)> run_handler(
    const properties::run_settings& settings, const std::string& folder);

}  // namespace assay::tools
