// assay replay: one run again, from its id.

#include "properties/bad_input.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

namespace assay::tools {
namespace {

using namespace properties;
using nlohmann::json;

struct replay_options {
  std::optional<std::string> sanitize;
  std::string id, implementation, on, save = "assay-failures";
  double time_limit = 300;
  bool properties = false, here = false, gdb = false;
};

void print_outputs(const json& report) {
  for (const json& output : report.at("outputs")) {
    const json &strict = output.at("strict"), &scatter = output.at("scatter");
    fmt::print(
        "    {:8} {} elements, {:.3f} of the bound, {:.4g} ULP, {} misrounded, bias {:.2g} ULP\n",
        output.at("tensor").get<std::string>(), strict.at("elements").get<std::int64_t>(),
        number_in(strict.at("worst_fraction")), number_in(strict.at("worst_ulps")),
        strict.at("misrounded").get<std::int64_t>(), number_in(strict.at("bias_ulps")));
    if (scatter.at("judged").get<bool>())
      fmt::print(
          "    {:8} scatter: energy {:.3g} of at most {:.3g}, bias {:.3g} of at most {:.3g}\n", "",
          number_in(scatter.at("energy")), number_in(scatter.at("energy_limit")),
          number_in(scatter.at("bias")), number_in(scatter.at("bias_limit")));
  }
  for (const json& finding : report.at("findings"))
    fmt::print("    {}\n", finding.get<std::string>());
}

// This very command in this very process, under gdb: breakpoints stop in the kernel. Returns only
// by an exception.
[[noreturn]] void become_gdb(const replay_options& chosen, const run_id& id) {
  std::vector<std::string> words = {
      "gdb",    "--quiet", "--args", std::filesystem::read_symlink("/proc/self/exe"),
      "replay", "--here",  "--save", chosen.save};
  if (chosen.sanitize) words.insert(words.end(), {"--sanitize", *chosen.sanitize});
  if (chosen.properties) words.emplace_back("--properties");
  words.push_back(print(id));
  std::vector<char*> arguments;
  for (std::string& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  execvp("gdb", arguments.data());
  throw bad_input("cannot start gdb: {}", std::strerror(errno));
}

// The run's report: from a process of its own, which it may take down, or from this one.
json report_of(const run_id& id, const run_settings& settings, const replay_options& chosen) {
  const auto handler = run_handler(settings, chosen.save, chosen.properties);
  const json job = {{"id", print(id)}};
  if (chosen.here) return handler(job);
  const job_result result = run_in_process(job, process_limit(chosen.time_limit), handler);
  if (result.how == job_result::end::returned) return result.value;
  return report_of_death(id, settings, result.death, chosen.properties);
}

int replay(const replay_options& chosen, const common_options& common) {
  run_id id = parse_run(chosen.id);
  if (!chosen.implementation.empty()) id.implementation = chosen.implementation;
  if (!chosen.on.empty()) id.backend = chosen.on;
  validate(contract_of(id.of), id.of);
  run_settings settings;
  settings.time_limit_seconds = chosen.gdb || chosen.here ? 0 : chosen.time_limit;
  if (chosen.sanitize) settings.sanitize = tools_named(*chosen.sanitize);
  settings.judged_by.map = common.json;
  refuse_sanitizers_on(id.backend, settings);
  if (id.backend == "cuda" && !cuda_is_there()) return k_device_absent;
  if (chosen.gdb) become_gdb(chosen, id);
  const json report = report_of(id, settings, chosen);
  const std::string outcome = report.at("outcome");
  if (common.json) {
    fmt::print("{}\n", report.dump(1));
  } else {
    fmt::print("{}\n", print(id));
    if (outcome == "passed")
      fmt::print("  {}\n", painted(tone::good, "passed"));
    else
      fmt::print("{}", told(report));
    print_outputs(report);
  }
  return outcome == "passed" ? k_good : outcome == "crashed" ? k_crashed : k_wrong;
}

}  // namespace

void add_replay(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<replay_options>();
  CLI::App* const sub = app.add_subcommand("replay", "Runs one id again and tells all about it.");
  sub->add_option("ID", chosen->id, "v1/.../seed=N@impl=NAME,on=BACKEND,sched=N")->required();
  sub->add_option("--impl", chosen->implementation, "another implementation on the same case")
      ->type_name("NAME");
  sub->add_option("--on", chosen->on, "another backend: emulator or cuda")->type_name("BACKEND");
  sub->add_option("--sanitize", chosen->sanitize, "memcheck,racecheck,initcheck,synccheck or all")
      ->type_name("TOOLS");
  sub->add_flag(
      "--gdb", chosen->gdb,
      "under gdb, which sees kernels of a build with -g (CMAKE_BUILD_TYPE=RelWithDebInfo)");
  sub->add_flag("--here", chosen->here, "in this process, not in a child: for other debuggers");
  sub->add_flag("--properties", chosen->properties, "asks for the contract's properties too");
  sub->add_option("--save", chosen->save,
                  "folder for inputs and outputs of a failed run; '' for none")
      ->capture_default_str();
  sub->add_option("--time-limit", chosen->time_limit, "seconds it may take")
      ->capture_default_str()
      ->check(seconds());
  sub->footer(
      "Examples:\n  assay replay "
      "'v1/silu.plain.fwd/x=fp16,y=fp16/n=1023,align=2/dist=tails/"
      "seed=24@impl=fused,on=emulator,sched=0'\n"
      "  assay replay ID --sanitize all\n  assay replay ID --impl naive\n  assay replay ID --gdb");
  sub->callback([chosen, &common, &status] { status = replay(*chosen, common); });
}

}  // namespace assay::tools
