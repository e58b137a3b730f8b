// assay doctor: what is here, and what follows from it.

#include "tools/assay/command.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/terminal.hpp"

#include <boost/version.hpp>
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <mpfr.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace assay::tools {
namespace {

using nlohmann::json;

struct fact {
  std::string what, found, follows;
};

// The first line that a command prints, or nothing where it cannot run.
std::string first_line_of(const std::string& command) {
  std::string line;
  if (std::FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r")) {
    char buffer[512];
    if (std::fgets(buffer, sizeof buffer, pipe)) line = buffer;
    pclose(pipe);
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}", __clang_version__);
#else
  return fmt::format("g++ {}", __VERSION__);
#endif
}

fact cuda_side() {
#if defined(ASSAY_NVCC_VERSION)
  return {"CUDA side", "built by nvcc " ASSAY_NVCC_VERSION " for sm_90a and compute_80",
          "kernels are proved to compile; they run where there is a GPU"};
#else
  return {"CUDA side", "not built (no nvcc 12.8 or newer was found)",
          "the emulator is the only backend; tools/setup --cuda brings the toolkit"};
#endif
}

fact gpu() {
  const json& probed = probed_device();
  if (probed.at("available").get<bool>())
    return {"GPU", probed.at("name").get<std::string>(), "assay check runs on it"};
  return {"GPU", probed.at("why").get<std::string>(),
          "checks run on the emulator, and cuda says: not run"};
}

fact optional_tool(const std::string& what, const std::string& command, const std::string& with,
                   const std::string& without) {
  const std::string found = first_line_of(command);
  return {what, found.empty() ? "not found" : found, found.empty() ? without : with};
}

std::vector<fact> examine() {
  std::vector<fact> all = {
      {"assay", ASSAY_VERSION, ""},
      {"compiler", compiler(), ""},
      // A processor without it never comes here (tools/cmake/processor.cpp).
      {"processor",
       fmt::format("{} cores, fused multiply-add", std::thread::hardware_concurrency()),
       "the emulator rounds as a GPU does"},
      cuda_side(),
      gpu(),
      {"Boost", BOOST_LIB_VERSION, ""},
      {"MPFR", mpfr_get_version(), ""},
      {"fmt", fmt::format("{}", FMT_VERSION), ""},
  };
  all.push_back(optional_tool("mpmath", "python3 -c 'import mpmath; print(mpmath.__version__)'",
                              "the independent oracle can run",
                              "the oracle's test fails; python3-mpmath brings it"));
  all.push_back(optional_tool("compute-sanitizer", "compute-sanitizer --version",
                              "runs on a GPU can be sanitized",
                              "runs on a GPU cannot be sanitized"));
  return all;
}

}  // namespace

void add_doctor(CLI::App& app, const common_options& common, int&) {
  CLI::App* const sub =
      app.add_subcommand("doctor", "Tells what is installed here, and what follows from it.");
  sub->footer("Examples:\n  assay doctor\n  assay doctor --json");
  sub->callback([&common] {
    table all({"what", "found", "what follows"});
    json told = json::array();
    for (const fact& each : examine()) {
      all.add({each.what, each.found, each.follows});
      told.push_back({{"what", each.what}, {"found", each.found}, {"follows", each.follows}});
    }
    fmt::print("{}", common.json ? told.dump(1) + "\n" : all.text());
  });
}

}  // namespace assay::tools
