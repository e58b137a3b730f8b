// assay bench resources: registers, spills and shared memory of each kernel, as the compiler said
// when this build tree was made.

#include "bench/child_process.hpp"
#include "bench/resources.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/bench_options.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace assay::tools {
namespace {

using bench::kernel_resources;

struct resource_options {
  std::vector<std::string> patterns;
  std::string build;
};

void print(const bench::resource_table& kernels, std::size_t spilling, bool as_json) {
  if (as_json) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& [name, of] : kernels)
      all.push_back({{"kernel", name},
                     {"registers", of.registers},
                     {"spilled_bytes", of.spilled_bytes},
                     {"stack_bytes", of.stack_bytes},
                     {"shared_bytes", of.shared_bytes}});
    return fmt::print("{}\n", all.dump(1));
  }
  table rows({"registers", "spilled B", "stack B", "shared B", "kernel"});
  for (const auto& [name, of] : kernels)
    rows.add({std::to_string(of.registers), std::to_string(of.spilled_bytes),
              std::to_string(of.stack_bytes), std::to_string(of.shared_bytes), name},
             of.spilled_bytes ? tone::bad : tone::plain);
  fmt::print("{}\n{}\n", rows.text(),
             painted(spilling ? tone::bad : tone::good,
                     fmt::format("{} kernels, {} spill registers", kernels.size(), spilling)));
}

int resources(const resource_options& chosen, const common_options& common) {
  const std::string build = chosen.build.empty() ? bench::folder_of_this_program() : chosen.build;
  bench::resource_table kernels = bench::parse_resources(bench::resource_reports(build));
  if (kernels.empty())
    throw bad_input("'{}' has no report of a kernel: it was built without nvcc", build);
  std::erase_if(kernels, [&](const auto& kernel) {
    return !chosen.patterns.empty() &&
           std::none_of(chosen.patterns.begin(), chosen.patterns.end(),
                        [&](const std::string& each) { return matches(each, kernel.first); });
  });
  if (kernels.empty()) throw bad_input("no kernel has a name like '{}'", chosen.patterns.front());
  const auto spilling = std::size_t(std::count_if(
      kernels.begin(), kernels.end(), [](const auto& each) { return each.second.spilled_bytes; }));
  print(kernels, spilling, common.json);
  return spilling ? k_wrong : k_good;
}

}  // namespace

void add_bench_resources(CLI::App& bench, const common_options& common, int& status) {
  auto chosen = std::make_shared<resource_options>();
  CLI::App* const sub = bench.add_subcommand(
      "resources", "Registers, spills and shared memory of kernels, as ptxas has them.");
  sub->add_option("PATTERN", chosen->patterns, "part of a kernel's name, or a shell pattern");
  sub->add_option("--build", chosen->build, "the build tree; otherwise this program's")
      ->type_name("FOLDER");
  sub->footer(
      "Exit status: 1 where a kernel spills registers.\n\n"
      "Examples:\n  assay bench resources softmax\n  assay bench resources --json");
  sub->callback([chosen, &common, &status] { status = resources(*chosen, common); });
}

}  // namespace assay::tools
