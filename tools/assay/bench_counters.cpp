// assay bench counters: what kernels move, against what was accepted. assay bench waive: a
// benchmark that may be slower for a while.

#include "bench/child_process.hpp"
#include "bench/counter_table.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "tools/assay/bench_options.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

namespace assay::tools {
namespace {

using nlohmann::json;
namespace files = std::filesystem;

struct counter_options {
  std::vector<std::string> patterns;
  std::string folder, reason;
  bool accept = false;
};

// The folder bench/ of the repository that the current folder is in.
std::string bench_folder(const std::string& otherwise) {
  const std::string waivers = default_waivers();
  if (waivers.empty())
    throw bad_input("this folder is in no git repository; {} says where the file is", otherwise);
  return files::path(waivers).parent_path().string();
}

// Counters of all runs whose contract's function matches.
std::map<std::string, simt::counters> count_all(
    const std::vector<const properties::contract*>& contracts) {
  std::map<std::string, simt::counters> all;
  progress shown("counting", contracts.size());
  std::size_t done = 0;
  for (const properties::contract* c : contracts) {
    for (const properties::run_id& id : bench::counted_runs(*c)) {
      if (interrupted()) throw bench::child_interrupted();
      all[properties::print(id)] = bench::count(id);
    }
    shown.show(++done, c->function());
  }
  return all;
}

bool of_these(const std::string& id, const std::vector<const properties::contract*>& contracts) {
  return std::any_of(contracts.begin(), contracts.end(), [&](const properties::contract* c) {
    return id.rfind("v1/" + c->function() + "/", 0) == 0;
  });
}

// Is there still a contract of this id's function?
bool has_contract(const std::string& id) {
  for (const properties::contract& c : properties::contracts())
    if (id.rfind("v1/" + c.function() + "/", 0) == 0) return true;
  return false;
}

void print_changes(const std::vector<bench::counter_change>& all, std::size_t runs, bool as_json) {
  if (!as_json) {
    for (const bench::counter_change& each : all) fmt::print("{}\n", each.told());
    return fmt::print("{}\n",
                      painted(all.empty() ? tone::good : tone::bad,
                              fmt::format("{} runs counted: {} changed", runs, all.size())));
  }
  const auto counted = [](const std::optional<simt::counters>& of) {
    if (!of) return json();
    json object = json::object();
    for (const auto& [name, value] : bench::named(*of)) object[name] = value;
    return object;
  };
  json list = json::array();
  for (const bench::counter_change& each : all)
    list.push_back(
        {{"id", each.id}, {"accepted", counted(each.accepted)}, {"now", counted(each.now)}});
  fmt::print("{}\n", json{{"runs", runs}, {"changed", list}}.dump(1));
}

int counters(const counter_options& chosen, const common_options& common) {
  watch_interrupts();
  if (chosen.accept && chosen.reason.empty())
    throw bad_input("--accept needs --reason: it stands beside the new figures");
  if (chosen.accept && std::getenv("CI"))
    throw bad_input("--accept is refused where CI is set: a person accepts, and commits");
  const files::path folder = chosen.folder.empty()
                                 ? files::path(bench_folder("--counters")) / "counters"
                                 : files::path(chosen.folder);
  const auto contracts = select_contracts(chosen.patterns);
  const std::map<std::string, simt::counters> now = count_all(contracts);
  std::set<std::string> components;
  for (const properties::contract* c : contracts) components.insert(c->component);
  std::vector<bench::counter_change> all;
  for (const std::string& component : components) {
    const std::string path = (folder / (component + ".jsonl")).string();
    const bench::counter_table table = bench::read_counters(path);
    // The part of the table that the patterns mean, and what no contract stands for any more.
    bench::counter_table part;
    for (const auto& [id, entry] : table)
      if (of_these(id, contracts) || !has_contract(id)) part.emplace(id, entry);
    std::map<std::string, simt::counters> counted;
    for (const auto& [id, each] : now)
      if (bench::component_of(id) == component) counted.emplace(id, each);
    const std::vector<bench::counter_change> changed = bench::changes(part, counted);
    all.insert(all.end(), changed.begin(), changed.end());
    if (!chosen.accept || changed.empty()) continue;
    files::create_directories(folder);
    properties::write_file(path, bench::to_text(bench::accept(table, changed, chosen.reason)));
  }
  print_changes(all, now.size(), common.json);
  return all.empty() || chosen.accept ? k_good : k_wrong;
}

struct waive_options {
  std::string id, reason, until, file = default_waivers();
};

int waive(const waive_options& chosen) {
  const bench::date until = bench::parse_date(chosen.until);
  if (until < bench::today()) throw bad_input("--until {}: that day is over", chosen.until);
  if (chosen.reason.empty()) throw bad_input("--reason is empty");
  std::vector<std::string> known;
  for (const std::string& each :
       bench::benchmarks_of({bench::folder_of_this_program() + "/assay_bench", {"--cache=both"}}))
    known.push_back(bench::short_name(each));
  if (std::find(known.begin(), known.end(), chosen.id) == known.end())
    throw bad_input("'{}' is no benchmark; {}", chosen.id,
                    properties::suggestion(chosen.id, known));
  if (chosen.file.empty()) bench_folder("--waivers");
  bench::waivers all = bench::waivers::read(chosen.file);
  all.add({chosen.id, chosen.reason, until});
  all.write(chosen.file);
  fmt::print("waived until {}: {}\n", bench::print(until), chosen.id);
  return k_good;
}

}  // namespace

void add_bench_counters(CLI::App& bench, const common_options& common, int& status) {
  auto chosen = std::make_shared<counter_options>();
  CLI::App* const sub = bench.add_subcommand(
      "counters", "Bytes, sectors, bank conflicts, barriers, against the accepted ones.");
  sub->add_option("PATTERN", chosen->patterns, "part of a function's name, or a shell pattern");
  sub->add_flag("--accept", chosen->accept, "what changed is meant: writes it down");
  sub->add_option("--reason", chosen->reason, "why it changed")->type_name("TEXT");
  sub->add_option("--counters", chosen->folder, "where the figures are; otherwise bench/counters")
      ->type_name("FOLDER");
  sub->footer(
      "Exit status: 1 where anything differs from what was accepted.\n\n"
      "Examples:\n  assay bench counters softmax\n"
      "  assay bench counters softmax --accept --reason 'long rows take two passes'");
  sub->callback([chosen, &common, &status] {
    try {
      status = counters(*chosen, common);
    } catch (const bench::child_interrupted&) {
      status = k_interrupted;
    }
  });
}

void add_bench_waive(CLI::App& bench, int& status) {
  auto chosen = std::make_shared<waive_options>();
  CLI::App* const sub = bench.add_subcommand("waive", "Lets a benchmark be slower for a while.");
  sub->add_option("ID", chosen->id, "FUNCTION/IMPLEMENTATION/DTYPE/BACKEND/CACHE")->required();
  sub->add_option("--reason", chosen->reason, "why")->type_name("TEXT")->required();
  sub->add_option("--until", chosen->until, "its last day, 2026-12-31")
      ->type_name("DATE")
      ->required();
  sub->add_option("--waivers", chosen->file, "otherwise bench/waivers.jsonl")->type_name("FILE");
  sub->footer(
      "Example:\n  assay bench waive relu.plain.fwd/select/fp32/cuda/cold --reason 'NaN rule' "
      "--until 2027-01-31");
  sub->callback([chosen, &status] { status = waive(*chosen); });
}

}  // namespace assay::tools
