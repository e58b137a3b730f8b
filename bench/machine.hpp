// The machine that measures: what it is, which is the key of its history, and how it is at the
// moment. Nothing in it names a host.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace assay::bench {

// {"cpu", "cores", "gpu", "sms", "power_limit_w"}; the last three are null without a GPU (what
// nvidia-smi says of the first one).
nlohmann::json this_machine();
// As a folder's name: "amd-epyc-2-cores", "amd-epyc-16-cores-nvidia-h200-132-sms-700-w".
std::string folder_name(const nlohmann::json& machine);

// {"cpu_mhz", "cpu_celsius", "load", "gpu_mhz", "gpu_memory_mhz", "gpu_celsius"}; null what cannot
// be read.
nlohmann::json present_conditions();

// {"compiler", "cuda", "driver"}: of this program and this machine; null what is not there.
nlohmann::json present_software();

// {"commit", "modified"} of the git work tree that the folder is in; null outside one.
nlohmann::json present_source(const std::string& folder);

// "2026-11-21T22:40:00Z".
std::string present_time();

}  // namespace assay::bench
