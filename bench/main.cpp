// assay_bench: every implementation of every contract on every backend at hand, with Google
// Benchmark (suite.hpp); `assay bench` is what people call. Or, with --counters, what the sanitized
// emulator counts of them.

#include "bench/counter_table.hpp"
#include "bench/suite.hpp"
#include "optimized/launcher.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"

#include <benchmark/benchmark.h>
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace assay;

// Of the functions named, as a counter table in FILE.
int write_counters(const std::string& path, const std::vector<std::string>& functions) {
  bench::counter_table table;
  for (const properties::contract& c : properties::contracts())
    if (std::find(functions.begin(), functions.end(), c.function()) != functions.end())
      for (const properties::run_id& id : bench::counted_runs(c))
        table[properties::print(id)] = {bench::count(id), ""};
  properties::write_file(path, bench::to_text(table));
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Times every implementation of every contract; Google Benchmark's options apply too.",
      "assay_bench");
  app.allow_extras();
  bench::suite_options options;
  std::string cache = "cold", counters;
  std::vector<std::string> functions;
  app.add_option("--elements", options.elements, "of a tensor; 0: 2^26 on cuda, 2^16 elsewhere")
      ->check(CLI::Range(std::int64_t(0), std::int64_t(1) << 32));
  app.add_option("--cache", cache, "cold, warm or both")
      ->check(CLI::IsMember({"cold", "warm", "both"}));
  app.add_flag("!--no-roofs", options.roofs, "does not measure the memory's own copy");
  app.add_flag("!--no-judge", options.judge, "does not judge what was timed");
  app.add_option("--counters", counters, "writes the emulator's counters of --function instead")
      ->type_name("FILE");
  app.add_option("--function", functions, "for --counters: component.variant.direction");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    throw bad_input("{} (see assay_bench --help)", wrong.what());
  }
  if (!counters.empty()) return write_counters(counters, functions);
  options.cold = cache != "warm", options.warm = cache != "cold";

  std::vector<std::string> rest = app.remaining();
  rest.insert(rest.begin(), argv[0]);
  std::vector<char*> words;
  for (std::string& word : rest) words.push_back(word.data());
  words.push_back(nullptr);
  int count = int(rest.size());
  benchmark::Initialize(&count, words.data());
  if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
  simt::backend* const gpu = optimized::backend_of(simt::build::gpu);
  benchmark::AddCustomContext("device", gpu ? gpu->name() : "none: cuda not run");
  bench::register_suite(options);
  const bool all_right = bench::run_suite();
  benchmark::Shutdown();
  return all_right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const bad_input& wrong) {
    fmt::print(stderr, "assay_bench: {}\n", wrong.what());
    return 2;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "assay_bench: {}\n", problem.what());
    return 70;
  }
}
