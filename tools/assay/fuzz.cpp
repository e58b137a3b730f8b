// assay fuzz: cases that RapidCheck draws, run and judged until one fails.

#include "properties/bad_input.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/examples.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/fuzz_rounds.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

namespace assay::tools {
namespace {

using namespace properties;
using nlohmann::json;

constexpr double k_shrink_seconds = 60;  // of one failure

struct fuzz_options {
  std::vector<std::string> patterns;
  std::string on = "emulator", target = "failure", save = "assay-failures";
  std::optional<std::string> sanitize;
  std::optional<double> time;
  std::optional<std::uint64_t> cases;
  std::uint64_t seed = 1;
  unsigned jobs = 0;
  double time_limit = 300;  // of a run, on a machine with other work on it
};

// What failed once is run before anything new, where the patterns mean it.
std::vector<json> rerun_examples(const fuzz_options& chosen, const fuzz_plan& plan) {
  std::vector<example> wanted;
  for (const example& each : examples_in(chosen.save)) {
    const std::string id = print(each.run);
    const auto means = [&](const std::string& pattern) { return matches(pattern, id); };
    if (chosen.patterns.empty() ||
        std::any_of(chosen.patterns.begin(), chosen.patterns.end(), means))
      wanted.push_back(each);
  }
  std::vector<json> reports;
  progress shown("examples", wanted.size());
  for (example& each : wanted) {
    if (interrupted()) break;
    each.run.backend = chosen.on;
    reports.push_back(run_alone(each.run, plan.settings(), ""));
    reports.back()["saved"] = each.file;
    shown.show(reports.size());
  }
  return reports;
}

run_settings settings_of(const fuzz_options& chosen) {
  run_settings settings;
  settings.workers = 1;  // runs are small: processes share the cores
  settings.time_limit_seconds = chosen.time_limit;
  settings.judged_by = {.scatter = false, .unbounded_fails = false};
  if (chosen.sanitize) settings.sanitize = tools_named(*chosen.sanitize);
  return settings;
}

const climbed* largest(const fuzz_plan& plan) {
  const auto found =
      std::max_element(plan.best.begin(), plan.best.end(),
                       [](const climbed& a, const climbed& b) { return a.fraction < b.fraction; });
  return found == plan.best.end() || found->fraction < 0 ? nullptr : &*found;
}

// The largest share of the bound that each target used: function, implementation, dtype.
std::string climbed_table(const fuzz_plan& plan) {
  table all({"function", "implementation", "dtype", "of bound", "reached by"});
  for (const climbed& each : plan.best)
    if (each.fraction >= 0)
      all.add({each.by.of.function(), each.by.implementation,
               std::string(name_of(each.by.of.types[0].type)), fmt::format("{:.3f}", each.fraction),
               print(each.by)});
  return all.text();
}

void print_failure(const json& report) {
  fmt::print("\n{}", told(report));
  if (report.contains("found"))
    fmt::print("    found    {}, one of {} alike; shrunk in {} steps of {} tried\n",
               report.at("found").get<std::string>(), report.at("alike").get<std::size_t>(),
               report.at("steps").get<int>(), report.at("tried").get<int>());
}

std::string last_line(const fuzz_options& chosen, const fuzz_plan& plan,
                      const fuzz_result& result) {
  return fmt::format(
      "fuzzed {} cases of {} kernels by dtype in {:.0f} s ({:.0f} a second), seed {}: {} failed",
      result.ran, plan.targets().size(), result.seconds,
      double(result.ran) / std::max(result.seconds, 1e-3), chosen.seed, result.failed.count());
}

void print_result(const fuzz_options& chosen, const fuzz_plan& plan, const fuzz_result& result,
                  const std::vector<json>& examples, const std::vector<json>& reports) {
  std::size_t still = 0;
  for (const json& each : examples)
    if (has_failed(each)) ++still, print_failure(each);
  for (const json& each : reports) print_failure(each);
  if (still > 0 || !reports.empty()) fmt::print("\n");
  if (chosen.target == "bound") fmt::print("{}\n", climbed_table(plan));
  fmt::print("{}", result.covered.text());
  if (const climbed* most = largest(plan))
    fmt::print("  largest share of the strict bound: {:.3f}, assay replay {}\n", most->fraction,
               print(most->by));
  if (!examples.empty())
    fmt::print("  of {} saved examples {} fail still\n", examples.size(), still);
  fmt::print("{}\n", painted(result.failed.count() + still > 0 ? tone::bad : tone::good,
                             last_line(chosen, plan, result)));
}

json as_json(const fuzz_options& chosen, const fuzz_plan& plan, const fuzz_result& result,
             const std::vector<json>& examples, const std::vector<json>& reports) {
  json best = json::array();
  for (const climbed& each : plan.best)
    if (each.fraction >= 0) best.push_back({{"id", print(each.by)}, {"fraction", each.fraction}});
  return {{"seed", chosen.seed},
          {"cases", result.ran},
          {"seconds", result.seconds},
          {"failed", result.failed.count()},
          {"failures", reports},
          {"examples", examples},
          {"covered", result.covered.to_json()},
          {"best", best}};
}

void validate(const fuzz_options& chosen) {
  if (chosen.on != "emulator" && chosen.on != "cuda")
    throw bad_input("unknown backend '{}'; there are: emulator, cuda", chosen.on);
  if (chosen.target != "failure" && chosen.target != "bound")
    throw bad_input("--target takes failure or bound, not '{}'", chosen.target);
  if (chosen.cases == 0) throw bad_input("--cases 0 would try nothing");
}

std::string journals_of(const fuzz_options& chosen) {
  return chosen.save.empty() ? std::filesystem::temp_directory_path().string() : chosen.save;
}

int fuzz(fuzz_options chosen, const common_options& common) {
  watch_interrupts();
  validate(chosen);
  if (!chosen.time && !chosen.cases) chosen.time = 60;
  fuzz_plan plan(fuzz_targets(chosen.patterns, chosen.on), chosen.seed, settings_of(chosen));
  plan.climb = chosen.target == "bound";
  refuse_sanitizers_on(chosen.on, plan.settings());
  if (chosen.on == "cuda" && !cuda_is_there()) return k_device_absent;
  std::vector<json> examples;
  if (!chosen.save.empty()) examples = rerun_examples(chosen, plan);
  const unsigned processes = chosen.on == "cuda" ? 1 : chosen.jobs;  // one context on the device
  const fuzz_result result =
      fuzz_rounds(plan, {chosen.time, chosen.cases, processes}, journals_of(chosen)).run();
  const std::vector<json> reports =
      result.failed.told(plan.settings(), chosen.save, k_shrink_seconds, interrupted);
  if (common.json)
    fmt::print("{}\n", as_json(chosen, plan, result, examples, reports).dump(1));
  else
    print_result(chosen, plan, result, examples, reports);
  const auto crashed = [](const json& each) { return each.at("outcome") == "crashed"; };
  if (result.failed.any_crashed() || std::any_of(examples.begin(), examples.end(), crashed))
    return k_crashed;
  if (result.failed.count() > 0 || std::any_of(examples.begin(), examples.end(), has_failed))
    return k_wrong;
  return interrupted() ? k_interrupted : k_good;
}

}  // namespace

void add_fuzz(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<fuzz_options>();
  CLI::App* const sub = app.add_subcommand(
      "fuzz", "Runs cases drawn at random, and shrinks what fails to its simplest case.");
  sub->add_option("PATTERN", chosen->patterns,
                  "part of a run's id (function, dtypes, implementation), or a shell pattern");
  sub->add_option("--time", chosen->time, "seconds to go on for (60, where --cases is not given)")
      ->check(seconds());
  sub->add_option("--cases", chosen->cases, "how many cases to try")->check(whole_number());
  sub->add_option("--seed", chosen->seed, "another seed draws other cases")
      ->check(whole_number())
      ->capture_default_str();
  sub->add_option("--target", chosen->target,
                  "failure: any case; bound: climb towards the largest share of the strict bound")
      ->capture_default_str();
  sub->add_option("--on", chosen->on, "emulator or cuda")->capture_default_str();
  sub->add_option("--sanitize", chosen->sanitize,
                  "memcheck,racecheck,initcheck,synccheck or all, on the emulator")
      ->type_name("TOOLS");
  sub->add_option("--jobs", chosen->jobs, "processes at a time; 0: one per core")
      ->check(whole_number(k_most_threads))
      ->capture_default_str();
  sub->add_option("--time-limit", chosen->time_limit, "seconds a run may take")
      ->check(seconds())
      ->capture_default_str();
  sub->add_option(
         "--save", chosen->save,
         "folder of failed runs: those in it are run first, new ones are saved; '' for none")
      ->capture_default_str();
  sub->footer(
      "A case is judged by the strict bound; every other one is asked for a property too. "
      "Elements\n"
      "that have no bound, because the declared arithmetic may overflow, are counted and not "
      "judged.\n"
      "\nExamples:\n  assay fuzz softmax --time 600\n  assay fuzz '*bf16*impl=online*' --cases "
      "100000 --seed 7\n"
      "  assay fuzz gelu --target bound\n  assay fuzz --sanitize all --time 300");
  sub->callback([chosen, &common, &status] { status = fuzz(*chosen, common); });
}

}  // namespace assay::tools
