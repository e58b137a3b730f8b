// assay bench --against REV: the work tree and a revision, timed by turns.

#include "bench/child_process.hpp"
#include "bench/counter_table.hpp"
#include "bench/machine.hpp"
#include "bench/resources.hpp"
#include "bench/revision.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/bench_options.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>

namespace assay::tools {
namespace {

using nlohmann::json;

// "[12/126]" at the beginning of a line of ninja.
void show_build(progress& shown, const std::string& line) {
  std::size_t done = 0, total = 0;
  if (std::sscanf(line.c_str(), "[%zu/%zu]", &done, &total) == 2 && total > 0)
    shown.show(std::min<std::uint64_t>(100, done * 100 / total));
}

// What both programs have, by REV's order.
std::vector<std::string> common_names(std::vector<std::string> before,
                                      std::vector<std::string> after) {
  std::set<std::string> there(after.begin(), after.end());
  std::erase_if(before, [&](const std::string& name) { return !there.count(name); });
  return before;
}

// The functions of these benchmarks.
std::set<std::string> functions_of(const std::vector<std::string>& names) {
  std::set<std::string> all;
  for (const std::string& name : names) all.insert(name.substr(0, name.find('/')));
  return all;
}

// Empty where the program counts nothing (one of before there were counters).
bench::counter_table counters_of(const std::string& program,
                                 const std::set<std::string>& functions) {
  const std::string file =
      (std::filesystem::temp_directory_path() / fmt::format("assay-counters-{}", getpid()))
          .string();
  std::vector<std::string> words = {program, "--counters=" + file};
  for (const std::string& each : functions) words.push_back("--function=" + each);
  bench::counter_table table;
  if (bench::run_child(words, {"", {}, interrupted}) == 0) table = bench::read_counters(file);
  std::error_code error;
  std::filesystem::remove(file, error);
  return table;
}

// FUNCTION/IMPLEMENTATION/DTYPE of a counted run's id.
std::string benchmark_prefix(const std::string& id) {
  try {
    const properties::run_id run = properties::parse_run(id);
    return run.of.function() + "/" + run.implementation + "/" +
           std::string(assay::name_of(run.of.types.at(0).type)) + "/";
  } catch (const bad_input&) {  // an id of another version
    return "";
  }
}

// Per benchmark: which counters differ, summed over the cases that both counted.
std::map<std::string, std::string> what_else(const bench::counter_table& before,
                                             const bench::counter_table& after,
                                             const std::vector<std::string>& names) {
  std::map<std::string, std::pair<simt::counters, simt::counters>> sums;
  const auto add = [](simt::counters& into, const simt::counters& each) {
    auto* const to = reinterpret_cast<std::uint64_t*>(&into);
    const auto* const from = reinterpret_cast<const std::uint64_t*>(&each);
    for (std::size_t i = 0; i < sizeof each / sizeof *from; ++i) to[i] += from[i];
  };
  for (const auto& [id, entry] : before) {
    const auto other = after.find(id);
    if (other == after.end()) continue;
    auto& [was, is] = sums[benchmark_prefix(id)];
    add(was, entry.counted), add(is, other->second.counted);
  }
  std::map<std::string, std::string> told;
  for (const std::string& name : names)
    for (const auto& [prefix, both] : sums)
      if (!prefix.empty() && name.rfind(prefix, 0) == 0)
        told[bench::short_name(name)] = bench::difference(both.first, both.second);
  return told;
}

// Those that a second set of samples must confirm.
std::vector<std::string> changed(const std::vector<bench::judgement>& judged) {
  std::vector<std::string> names;
  for (const bench::judgement& each : judged)
    if (each.is == bench::answer::slow || each.is == bench::answer::fast)
      names.push_back(each.name);
  return names;
}

struct both_programs {
  bench::timed_program before, after;
  std::string commit;
  bench::resource_table resources_before, resources_after;
};

both_programs build_both(const bench_options& chosen) {
  bench::revision_options how;
  how.build = chosen.build.empty() ? bench::folder_of_this_program() : chosen.build;
  how.stop = interrupted;
  progress shown("building", 100);
  how.line = [&](const std::string& line) { show_build(shown, line); };
  const bench::built_revision built = bench::build_revision(chosen.against, how);
  const std::string here = chosen.no_build
                               ? (std::filesystem::path(how.build) / how.target).string()
                               : bench::build_here(how);
  return {timed_program_of(chosen, built.program), timed_program_of(chosen, here), built.commit,
          bench::parse_resources(built.resources),
          bench::parse_resources(bench::resource_reports(how.build))};
}

// Kernels of both whose registers, spills or shared memory differ.
std::map<std::string, std::string> resources_that_differ(const both_programs& both) {
  std::map<std::string, std::string> told;
  for (const auto& [kernel, before] : both.resources_before) {
    const auto after = both.resources_after.find(kernel);
    if (after == both.resources_after.end() || after->second == before) continue;
    told[kernel] = bench::difference(before, after->second);
  }
  return told;
}

}  // namespace

int bench_against(const bench_options& chosen, const common_options& common) {
  if (chosen.processes && chosen.processes < bench::k_least_samples)
    throw bad_input("--processes {}: a comparison needs {} samples a side", chosen.processes,
                    bench::k_least_samples);
  comparison made;
  made.waived = bench::waivers::read(chosen.waivers);
  const both_programs both = build_both(chosen);
  const std::vector<std::string> after = bench::benchmarks_of(both.after);
  const std::vector<std::string> selected = select_benchmarks(after, chosen.patterns);
  const std::vector<std::string> names = common_names(bench::benchmarks_of(both.before), selected);
  if (names.empty())
    throw bad_input("'{}' has no benchmark of these names, such as {}", chosen.against,
                    bench::short_name(selected.front()));
  const json conditions = bench::present_conditions();
  std::vector<bench::results> first =
      measured_by_turns({both.before, both.after}, names, chosen, "timing");
  made.measured = pair_up(first[0], first[1]);
  for (const std::string& name : selected)
    if (std::find(names.begin(), names.end(), name) == names.end())
      made.measured.only_after.push_back(name);
  made.judged = bench::judge(made.measured.both);
  if (const std::vector<std::string> again = changed(made.judged); !again.empty()) {
    const std::vector<bench::results> second =
        measured_by_turns({both.before, both.after}, again, chosen, "confirming");
    made.judged = bench::confirm(made.judged, pair_up(second[0], second[1]).both);
  }
  const auto functions = functions_of(names);
  const bench::counter_table before_counted = counters_of(both.before.path, functions);
  if (before_counted.empty())
    complain(fmt::format("'{}' counts nothing: what else changed is not known", chosen.against));
  made.also = what_else(before_counted, counters_of(both.after.path, functions), names);
  made.resources = resources_that_differ(both);

  add_context(first[0], bench::folder_of_this_program(), conditions);
  add_context(first[1], bench::folder_of_this_program(), conditions);
  first[0].context["assay"]["source"] = {{"commit", both.commit}, {"modified", false}};
  if (!chosen.out_before.empty())
    properties::write_file(chosen.out_before, bench::to_text(first[0]));
  if (!chosen.out.empty()) properties::write_file(chosen.out, bench::to_text(first[1]));
  print_comparison(made, common.json);
  std::vector<std::string> known;
  for (const std::string& name : after) known.push_back(bench::short_name(name));
  for (const std::string& each : made.waived.complaints(known, made.day)) complain(each);
  return status_of(made, chosen.fail_on_ambiguous);
}

}  // namespace assay::tools
