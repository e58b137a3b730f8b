// assay check: runs the cases of every contract, and says what became of them.

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>

namespace assay::tools {
namespace {

using namespace properties;
using nlohmann::json;

struct check_options {
  std::vector<std::string> patterns;
  std::string on = "best", require, junit, save = "assay-failures";
  std::optional<std::string> sanitize;
  std::uint64_t schedule = 0;
  unsigned jobs = 0;
  double time_limit = 300;
  bool no_repeat = false;
};

// What a check came to.
struct tally {
  std::map<std::string, int> by_outcome;
  int total = 0;

  int of(const char* outcome) const {
    const auto found = by_outcome.find(outcome);
    return found == by_outcome.end() ? 0 : found->second;
  }
  int failed() const { return of("failed") + of("crashed"); }
  void add(const json& report) {
    ++by_outcome[report.at("outcome").get<std::string>()];
    ++total;
  }
};

bool device_available() { return probed_device().at("available").get<bool>(); }

// The backend to run on; "best" is a GPU where there is one.
std::string backend_for(const check_options& chosen) {
  if (chosen.on == "best") return device_available() && !chosen.sanitize ? "cuda" : "emulator";
  if (chosen.on != "emulator" && chosen.on != "cuda")
    throw bad_input("unknown backend '{}'; there are: best, emulator, cuda", chosen.on);
  return chosen.on;
}

run_settings settings_of(const check_options& chosen) {
  run_settings settings;
  settings.repeat = !chosen.no_repeat;
  settings.workers = 1;  // cases are small: processes share the cores
  settings.time_limit_seconds = chosen.time_limit;
  if (chosen.sanitize) settings.sanitize = tools_named(*chosen.sanitize);
  return settings;
}

json not_run(const run_id& id, const run_settings& settings, const std::string& why) {
  run_report report;
  report.id = id;
  report.reason = why;
  return to_json(report, settings);
}

std::vector<json> run_all(const std::vector<run_id>& runs, const run_settings& settings,
                          const check_options& chosen) {
  std::vector<json> jobs, reports;
  for (const run_id& id : runs) {
    jobs.push_back({{"id", print(id)}});
    reports.push_back(not_run(id, settings, "interrupted"));
  }
  progress shown("checking", runs.size());
  std::size_t ended = 0;
  worker_options workers{chosen.jobs, process_limit(chosen.time_limit), {}};
  if (!runs.empty() && runs[0].backend == "cuda") {
    workers.processes = 1;  // one context on the device
    workers.spoils = [](const job_result& r) { return r.value.at("outcome") != "passed"; };
  }
  run_in_processes(
      jobs, workers, run_handler(settings, chosen.save),
      [&](std::size_t i, const job_result& result) {
        reports[i] = result.how == job_result::end::returned
                         ? result.value
                         : report_of_death(runs[i], settings, result.death);
        shown.show(++ended, reports[i].at("function").get<std::string>());
      },
      interrupted);
  return reports;
}

std::string backend_line(const std::string& backend, const tally& all,
                         const std::string& why_no_cuda) {
  const std::string ran =
      fmt::format("{}: {} passed, {} failed", backend, all.of("passed"), all.failed());
  if (backend == "cuda" && all.of("not run") == all.total)
    return fmt::format("emulator: not run (cuda was asked for) | cuda: not run ({})", why_no_cuda);
  if (backend == "cuda") return fmt::format("emulator: not run (a GPU is at hand) | {}", ran);
  return fmt::format("{} | cuda: not run ({})", ran, why_no_cuda);
}

int check(const check_options& chosen, const common_options& common) {
  watch_interrupts();
  if (!chosen.require.empty() && chosen.require != "cuda")
    throw bad_input("--require takes cuda, not '{}'", chosen.require);
  const std::string backend = backend_for(chosen);
  run_settings settings = settings_of(chosen);
  settings.judged_by.map = common.json;
  refuse_sanitizers_on(backend, settings);
  std::vector<run_id> runs = select_runs(chosen.patterns, backend);
  for (run_id& id : runs) id.schedule = chosen.schedule;
  const bool absent = backend == "cuda" && !device_available();
  const std::string why = device_available() ? "the emulator was asked for"
                                             : probed_device().at("why").get<std::string>();
  std::vector<json> reports;
  if (absent)
    for (const run_id& id : runs) reports.push_back(not_run(id, settings, why));
  else
    reports = run_all(runs, settings, chosen);
  tally all;
  for (const json& report : reports) all.add(report);

  const std::string last =
      fmt::format("{} cases: {} passed, {} failed, {} unsupported, {} not run", all.total,
                  all.of("passed"), all.failed(), all.of("unsupported"), all.of("not run"));
  if (common.json) {
    fmt::print("{}\n", json{{"runs", reports},
                            {"summary", all.by_outcome},
                            {"backend", backend},
                            {"device", probed_device()}}
                           .dump(1));
  } else {
    fmt::print("{}", summary_table(reports));
    for (const json& report : reports)
      if (report.at("outcome") == "failed" || report.at("outcome") == "crashed")
        fmt::print("\n{}", told(report));
    fmt::print("\n{}\n{}\n", backend_line(backend, all, why),
               painted(all.failed() ? tone::bad : tone::good, last));
  }
  if (!chosen.junit.empty()) write_file(chosen.junit, junit(reports));
  if (interrupted()) return k_interrupted;
  if (all.of("crashed")) return k_crashed;
  if (all.failed()) return k_wrong;
  if (absent || (chosen.require == "cuda" && backend != "cuda")) {
    complain(fmt::format("cuda is required, and was not run: {}", why));
    return k_device_absent;
  }
  return all.of("passed") == all.total ? k_good : k_wrong;
}

}  // namespace

void add_check(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<check_options>();
  CLI::App* const sub = app.add_subcommand("check", "Runs every contract's cases and judges them.");
  sub->add_option("PATTERN", chosen->patterns,
                  "part of a run's id, or a shell pattern over all of it");
  sub->add_option("--on", chosen->on, "best, emulator or cuda")->capture_default_str();
  sub->add_option("--require", chosen->require, "cuda: exit with 77 where it did not run")
      ->type_name("BACKEND");
  sub->add_option("--sanitize", chosen->sanitize,
                  "memcheck,racecheck,initcheck,synccheck or all, on the emulator")
      ->type_name("TOOLS");
  sub->add_option("--sched", chosen->schedule,
                  "order of threads on the emulator: 0 program order, others random")
      ->check(whole_number());
  sub->add_option("--jobs", chosen->jobs, "processes at a time; 0: one per core")
      ->check(whole_number(k_most_threads))
      ->capture_default_str();
  sub->add_option("--time-limit", chosen->time_limit, "seconds a run may take")
      ->capture_default_str()
      ->check(seconds());
  sub->add_option("--junit", chosen->junit, "writes the outcomes as JUnit XML too")
      ->type_name("FILE");
  sub->add_option("--save", chosen->save,
                  "folder for inputs and outputs of failed runs; '' for none")
      ->capture_default_str();
  sub->add_flag("--no-repeat", chosen->no_repeat, "does not run a second time to compare bits");
  sub->footer(
      "Examples:\n  assay check\n  assay check gelu.erf silu\n  assay check '*bf16*impl=naive*'\n"
      "  assay check gelu --sanitize all --sched 7\n  assay check --require cuda --junit "
      "report.xml");
  sub->callback([chosen, &common, &status] { status = check(*chosen, common); });
}

}  // namespace assay::tools
