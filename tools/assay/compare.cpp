// assay compare: the regression rule on two files of Google Benchmark's JSON.

#include "properties/bad_input.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/comparison.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace assay::tools {
namespace {

struct compare_options {
  std::string before, after, waivers = default_waivers();
  std::vector<std::string> again;
  bool fail_on_ambiguous = false;
};

int compare(const compare_options& chosen, const common_options& common) {
  comparison made;
  made.waived = bench::waivers::read(chosen.waivers);
  made.measured = pair_up(bench::read_results(chosen.before), bench::read_results(chosen.after));
  if (made.measured.both.empty())
    throw bad_input("'{}' and '{}' have no benchmark in common", chosen.before, chosen.after);
  if (chosen.again.empty()) {
    made.judged = bench::judge_once(made.measured.both);
  } else {
    const paired_results second =
        pair_up(bench::read_results(chosen.again[0]), bench::read_results(chosen.again[1]));
    made.judged = bench::confirm(bench::judge(made.measured.both), second.both);
  }
  print_comparison(made, common.json);
  for (const std::string& each : made.waived.complaints({}, made.day)) complain(each);
  return status_of(made, chosen.fail_on_ambiguous);
}

}  // namespace

void add_compare(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<compare_options>();
  CLI::App* const sub = app.add_subcommand(
      "compare",
      "Compares two files of Google Benchmark: FAST, SLOW, SAME or AMBIGUOUS, with the interval.");
  sub->add_option("BEFORE", chosen->before, "JSON with repetitions, at least 12 of each benchmark")
      ->required();
  sub->add_option("AFTER", chosen->after, "the same, after the change")->required();
  sub->add_option("--again", chosen->again,
                  "a second BEFORE and AFTER, which must confirm what the first show; without "
                  "them the first are held to the level of both")
      ->expected(2)
      ->type_name("BEFORE AFTER");
  sub->add_flag("--fail-on-ambiguous", chosen->fail_on_ambiguous,
                "exit with 5 where an answer is AMBIGUOUS");
  sub->add_option("--waivers", chosen->waivers, "benchmarks that may be slower (assay bench waive)")
      ->type_name("FILE");
  sub->footer(
      "Exit status: 3 where a benchmark is SLOW and not waived.\n\n"
      "Examples:\n  assay compare before.json after.json\n"
      "  assay compare before.json after.json --again before2.json after2.json --json\n\n"
      "Such a file: assay bench relu --processes 12 --out before.json, or any program on Google\n"
      "Benchmark with --benchmark_repetitions=12 --benchmark_out=before.json");
  sub->callback([chosen, &common, &status] { status = compare(*chosen, common); });
}

}  // namespace assay::tools
