// assay bench: how fast every implementation is, and beside it the reference.

#include "bench/child_process.hpp"
#include "bench/machine.hpp"
#include "bench/rank_test.hpp"
#include "optimized/dtype.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/contract.hpp"
#include "properties/nearest.hpp"
#include "tools/assay/bench_options.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>

namespace assay::tools {
namespace {

using nlohmann::json;

// FUNCTION/IMPLEMENTATION/DTYPE/BACKEND/CACHE; fewer where it is no benchmark of ours.
std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream stream(bench::short_name(name));
  for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
  parts.resize(std::max<std::size_t>(parts.size(), 5));
  return parts;
}

// The median over the processes of a figure that stands beside the time; 0 where it is not there.
double figure(const bench::measured& of, const char* key) {
  std::vector<double> all;
  for (const json& entry : of.entries)
    if (entry.contains(key) && entry[key].is_number()) all.push_back(entry[key].get<double>());
  return all.empty() ? 0 : bench::median(std::move(all));
}

std::string scaled(double value, const char* unit) {
  if (!(value > 0)) return "";
  constexpr std::pair<double, const char*> k_scales[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [scale, prefix] : k_scales)
    if (value >= scale) return fmt::format("{:.3g} {}{}", value / scale, prefix, unit);
  return fmt::format("{:.3g} {}", value, unit);
}

// The time of an element relative to the baseline's, of the same dtype, backend and cache.
std::string relative_to(const bench::results& all, const std::string& baseline,
                        const bench::measured& of) {
  const std::vector<std::string> mine = parts_of(of.name);
  const double rate = figure(of, "elements_per_second");
  for (const bench::measured& other : all.benchmarks) {
    const std::vector<std::string> its = parts_of(other.name);
    const double base = figure(other, "elements_per_second");
    if (its[0] + "/" + its[1] == baseline &&
        std::equal(its.begin() + 2, its.end(), mine.begin() + 2) && rate > 0 && base > 0)
      return fmt::format("{:.2f}", base / rate);
  }
  return "";
}

void print_table(const bench::results& all, const std::string& baseline) {
  std::vector<std::string> header = {"function", "implementation", "dtype",   "on",     "cache",
                                     "time",     "elements/s",     "bytes/s", "FLOP/s", "of copy"};
  if (!baseline.empty()) header.push_back("x " + baseline);
  table rows(header);
  for (const bench::measured& each : all.benchmarks) {
    const std::vector<std::string> parts = parts_of(each.name);
    std::vector<std::string> row(parts.begin(), parts.begin() + 5);
    if (!each.error.empty()) {
      row.emplace_back("failed");
      rows.add(std::move(row), tone::bad);
      continue;
    }
    const double share = figure(each, "fraction_of_copy");
    row.push_back(time_text(bench::median(each.seconds)));
    row.push_back(scaled(figure(each, "elements_per_second"), ""));
    row.push_back(scaled(figure(each, "bytes_per_second"), "B"));
    row.push_back(scaled(figure(each, "flops_per_second"), ""));
    row.push_back(share > 0 ? fmt::format("{:.3g} %", 100 * share) : "");
    if (!baseline.empty()) row.push_back(relative_to(all, baseline, each));
    rows.add(std::move(row));
  }
  fmt::print("{}", rows.text());
  for (const bench::measured& each : all.benchmarks)
    if (!each.error.empty())
      fmt::print("\n{}\n",
                 painted(tone::bad, "failed  " + bench::short_name(each.name) + ": " + each.error));
  fmt::print("\ndevice: {}\n", all.context.value("device", "unknown"));
}

// The patterns, and what the baseline needs.
std::vector<std::string> wanted(const bench_options& chosen, const std::vector<std::string>& all) {
  std::vector<std::string> names = select_benchmarks(all, chosen.patterns);
  if (chosen.baseline.empty()) return names;
  std::set<std::string> ways;  // dtype/backend/cache of what was chosen
  for (const std::string& name : names) {
    const auto parts = parts_of(name);
    ways.insert(parts[2] + "/" + parts[3] + "/" + parts[4]);
  }
  std::vector<std::string> base = select_benchmarks(all, {chosen.baseline + "/"});
  std::vector<std::string> both;
  for (const std::string& name : base) {
    const auto parts = parts_of(name);
    const bool needed = ways.count(parts[2] + "/" + parts[3] + "/" + parts[4]) &&
                        parts[0] + "/" + parts[1] == chosen.baseline;
    if (needed && std::find(names.begin(), names.end(), name) == names.end()) both.push_back(name);
  }
  both.insert(both.end(), names.begin(), names.end());
  return both;
}

int bench_here(const bench_options& chosen, const common_options& common) {
  const bench::timed_program program =
      timed_program_of(chosen, bench::folder_of_this_program() + "/assay_bench");
  const std::vector<std::string> names = wanted(chosen, bench::benchmarks_of(program));
  const json before = bench::present_conditions();
  bench::results all = measured_by_turns({program}, names, chosen, "timing")[0];
  add_context(all, bench::folder_of_this_program(), before);
  if (!chosen.out.empty()) properties::write_file(chosen.out, bench::to_text(all));
  if (common.json)
    fmt::print("{}", bench::to_text(all));
  else
    print_table(all, chosen.baseline);
  for (const bench::measured& each : all.benchmarks)
    if (!each.error.empty()) return k_wrong;
  return k_good;
}

int bench_status(const bench_options& chosen, const common_options& common) {
  watch_interrupts();
  try {
    return chosen.against.empty() ? bench_here(chosen, common) : bench_against(chosen, common);
  } catch (const bench::child_interrupted&) {
    return k_interrupted;
  } catch (const bench::child_failed& failed) {
    complain(failed.what());
    return failed.status > 128 ? k_crashed : k_bad_input;
  }
}

void add_options(CLI::App* sub, bench_options& chosen) {
  sub->add_option("PATTERN", chosen.patterns,
                  "part of a benchmark's name FUNCTION/IMPLEMENTATION/DTYPE/BACKEND/CACHE, or a "
                  "shell pattern over all of it");
  sub->add_option("--elements", chosen.elements, "of a tensor; 0: 2^26 on cuda, 2^16 elsewhere")
      ->check(whole_number(std::uint64_t(1) << 32));
  sub->add_option("--cache", chosen.cache,
                  "cold (tensors larger than the cache, in turn), warm, or both")
      ->check(CLI::IsMember({"cold", "warm", "both"}))
      ->capture_default_str();
  sub->add_option("--processes", chosen.processes,
                  "that each time every benchmark once: a sample each; 0: 1, or 12 with --against")
      ->check(whole_number(10000));
  sub->add_option("--repetitions", chosen.repetitions,
                  "in a process, whose time is their median; 0: 1, or 3 with --against")
      ->check(whole_number(10000));
  sub->add_option("--min-time", chosen.min_time, "seconds of a repetition")
      ->check(seconds())
      ->capture_default_str();
  sub->add_option("--baseline", chosen.baseline,
                  "FUNCTION/IMPLEMENTATION: a column of times relative to it");
  sub->add_option("--out", chosen.out, "writes Google Benchmark's JSON")->type_name("FILE");
  sub->add_option("--against", chosen.against,
                  "a git revision: built beside, timed by turns, and compared")
      ->type_name("REV");
  sub->add_option("--build", chosen.build, "the work tree's build tree; otherwise where assay lies")
      ->type_name("FOLDER");
  sub->add_flag("--no-build", chosen.no_build,
                "does not bring the work tree's own build up to date");
  sub->add_option("--out-before", chosen.out_before, "with --against: REV's results, like --out")
      ->type_name("FILE");
  sub->add_flag("--fail-on-ambiguous", chosen.fail_on_ambiguous,
                "with --against: exit with 5 where an answer is AMBIGUOUS");
  sub->add_option("--waivers", chosen.waivers, "benchmarks that may be slower")->type_name("FILE");
}

}  // namespace

bench::timed_program timed_program_of(const bench_options& chosen, const std::string& path) {
  bench::timed_program program{path, {}, {"--no-judge"}};
  if (chosen.elements) program.arguments.push_back(fmt::format("--elements={}", chosen.elements));
  if (chosen.cache != "cold") program.arguments.push_back("--cache=" + chosen.cache);
  if (!chosen.against.empty()) program.arguments.emplace_back("--no-roofs");
  return program;
}

std::vector<std::string> select_benchmarks(const std::vector<std::string>& all,
                                           const std::vector<std::string>& patterns) {
  std::vector<std::string> selected, known;
  std::vector<bool> matched(patterns.size());
  for (const std::string& name : all) {
    const std::string text = bench::short_name(name);
    known.push_back(text.substr(0, text.find('/')));
    bool chosen = patterns.empty();
    for (std::size_t i = 0; i < patterns.size(); ++i)
      if (matches(patterns[i], text)) chosen = matched[i] = true;
    if (chosen) selected.push_back(name);
  }
  known.erase(std::unique(known.begin(), known.end()), known.end());
  for (std::size_t i = 0; i < patterns.size(); ++i)
    if (!matched[i])
      throw bad_input("'{}' matches no benchmark; {}", patterns[i],
                      properties::suggestion(patterns[i], known));
  return selected;
}

std::vector<bench::results> measured_by_turns(const std::vector<bench::timed_program>& programs,
                                              const std::vector<std::string>& names,
                                              const bench_options& chosen,
                                              const std::string& what) {
  const bool compares = programs.size() > 1;
  bench::turn_options how;
  how.processes = chosen.processes ? chosen.processes : compares ? bench::k_least_samples : 1;
  how.repetitions = chosen.repetitions ? chosen.repetitions : compares ? 3 : 1;
  how.min_time = chosen.min_time;
  how.stop = interrupted;
  progress shown(what, programs.size() * how.processes * names.size());
  how.progress = [&](std::size_t done, std::size_t) { shown.show(done); };
  return bench::measure_by_turns(programs, names, how);
}

void add_context(bench::results& all, const std::string& source, const json& before) {
  all.context.erase("host_name");  // where it ran is the machine, below
  all.context.erase("executable");
  const json machine = bench::this_machine();
  all.context["assay"] = {
      {"machine", machine},
      {"machine_name", bench::folder_name(machine)},
      {"time", bench::present_time()},
      {"conditions", {{"before", before}, {"after", bench::present_conditions()}}},
      {"software", bench::present_software()},
      {"source", bench::present_source(source)}};
}

void add_bench(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<bench_options>();
  CLI::App* const sub = app.add_subcommand(
      "bench", "Times implementations and references; --against compares with a revision.");
  add_options(sub, *chosen);
  add_bench_claims(*sub, common, status);
  add_bench_counters(*sub, common, status);
  add_bench_resources(*sub, common, status);
  add_bench_waive(*sub, status);
  sub->footer(
      "Exit status with --against: 3 where a benchmark is SLOW and not waived.\n\n"
      "Examples:\n  assay bench gelu.erf.fwd\n  assay bench relu --cache both --out relu.json\n"
      "  assay bench '*.fwd/*/fp32/*' --elements 1000000 --baseline relu.plain.fwd/select\n"
      "  assay bench softmax --cache warm --against HEAD~1\n"
      "  assay bench counters            what kernels move, against what was accepted\n"
      "  assay bench claims              memory, traffic and work by size, against the READMEs\n"
      "  assay bench resources           registers and spills, where there is nvcc\n"
      "  assay bench waive relu.plain.fwd/select/fp32/cuda/cold --reason 'NaN rule' --until "
      "2027-01-31");
  sub->callback([sub, chosen, &common, &status] {
    if (sub->get_subcommands().empty()) status = bench_status(*chosen, common);
  });
}

}  // namespace assay::tools
