// assay history: results kept by machine, drawn, with the points where they changed.

#include "bench/history.hpp"

#include "bench/change_point.hpp"
#include "bench/rank_test.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/comparison.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace assay::tools {
namespace {

using bench::record;
using nlohmann::json;

struct history_options {
  std::string file, folder;
  std::vector<std::string> patterns;
  std::string machine;
};

std::string folder_of(const history_options& chosen) {
  if (!chosen.folder.empty()) return chosen.folder;
  const std::string waivers = default_waivers();
  if (waivers.empty())
    throw bad_input("this folder is in no git repository; --history says where the history is");
  return (std::filesystem::path(waivers).parent_path() / "history").string();
}

bool wanted(const history_options& chosen, const record& r) {
  if (r.machine.find(chosen.machine) == std::string::npos) return false;
  return chosen.patterns.empty() ||
         std::any_of(chosen.patterns.begin(), chosen.patterns.end(),
                     [&](const std::string& p) { return matches(p, r.benchmark); });
}

std::vector<record> selected(const history_options& chosen, std::vector<record> all,
                             const std::string& from) {
  std::erase_if(all, [&](const record& r) { return !wanted(chosen, r); });
  if (all.empty()) throw bad_input("'{}' has no record of these", from);
  return all;
}

int add(const history_options& chosen) {
  const std::vector<record> records = selected(
      chosen, bench::records_of(bench::read_results(chosen.file), chosen.file), chosen.file);
  const auto added = bench::append(folder_of(chosen), records);
  if (added.empty()) fmt::print("nothing added: all of it is there already\n");
  for (const auto& [path, count] : added) fmt::print("{} records added to {}\n", count, path);
  return k_good;
}

// One machine's records of one benchmark, by time.
struct series {
  std::vector<record> records;
  std::vector<double> medians;
  std::vector<bench::change_point> changes;
};

std::vector<series> series_of(const std::vector<record>& all) {
  std::vector<series> list;
  for (const record& r : all) {
    if (list.empty() || list.back().records[0].machine != r.machine ||
        list.back().records[0].benchmark != r.benchmark)
      list.emplace_back();
    list.back().records.push_back(r);
    list.back().medians.push_back(bench::median(r.seconds));
  }
  for (series& each : list) each.changes = bench::change_points(each.medians);
  return list;
}

// A text in a record's context, or "?".
std::string context_of(const record& r, const char* group, const char* key) {
  const json& of = r.context.value(group, json());
  if (!of.is_object() || !of.contains(key) || of[key].is_null()) return "?";
  return of[key].is_string() ? of[key].get<std::string>() : of[key].dump();
}

// What else changed between two records: the code, or what stands around it.
std::string what_changed(const record& before, const record& after) {
  const std::string from = context_of(before, "source", "commit").substr(0, 12),
                    to = context_of(after, "source", "commit").substr(0, 12);
  std::string told = from == to ? "the same commit " + from : fmt::format("{}..{}", from, to);
  for (const char* key : {"compiler", "cuda", "driver"}) {
    const std::string was = context_of(before, "software", key),
                      is = context_of(after, "software", key);
    if (was != is) told += fmt::format("; {} {} -> {}", key, was, is);
  }
  return told;
}

void print_series(const series& s) {
  const record &first = s.records.front(), &last = s.records.back();
  fmt::print("{}  {}\n", first.benchmark, painted(tone::faint, first.machine));
  // A bar where the level changed.
  std::string line;
  std::size_t begin = 0;
  const std::string whole = bench::sparkline(s.medians);
  constexpr std::size_t k_bytes_a_bar = 3;  // in UTF-8
  for (const bench::change_point& each : s.changes) {
    line += whole.substr(begin * k_bytes_a_bar, (each.at - begin) * k_bytes_a_bar) + "|";
    begin = each.at;
  }
  line += whole.substr(begin * k_bytes_a_bar);
  fmt::print("  {}  {} to {}, {} records, {} to {}\n", line,
             time_text(*std::min_element(s.medians.begin(), s.medians.end())),
             time_text(*std::max_element(s.medians.begin(), s.medians.end())), s.records.size(),
             first.time.substr(0, 10), last.time.substr(0, 10));
  for (const bench::change_point& each : s.changes) {
    const record &before = s.records[each.at - 1], &after = s.records[each.at];
    fmt::print("  {}\n",
               painted(each.after > each.before ? tone::bad : tone::good,
                       fmt::format("{}  {} -> {} ({:.3f}), p = {:.4f}, {}", after.time,
                                   time_text(each.before), time_text(each.after),
                                   each.after / each.before, each.p, what_changed(before, after))));
  }
}

json to_json(const series& s) {
  json records = json::array(), changes = json::array();
  for (const record& r : s.records)
    records.push_back({{"time", r.time}, {"seconds", r.seconds}, {"context", r.context}});
  for (const bench::change_point& each : s.changes)
    changes.push_back({{"time", s.records[each.at].time},
                       {"before", each.before},
                       {"after", each.after},
                       {"p", each.p},
                       {"between", what_changed(s.records[each.at - 1], s.records[each.at])}});
  return {{"benchmark", s.records[0].benchmark},
          {"machine", s.records[0].machine},
          {"records", records},
          {"changes", changes}};
}

int show(const history_options& chosen, const common_options& common) {
  const std::string folder = folder_of(chosen);
  const auto all = series_of(selected(chosen, bench::read_history(folder), folder));
  if (!common.json) {
    for (const series& each : all) print_series(each);
    return k_good;
  }
  json list = json::array();
  for (const series& each : all) list.push_back(to_json(each));
  fmt::print("{}\n", list.dump(1));
  return k_good;
}

}  // namespace

void add_history(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<history_options>();
  CLI::App* const sub =
      app.add_subcommand("history", "Keeps results by machine, and shows where they changed.");
  sub->require_subcommand(1);
  CLI::App* const adds = sub->add_subcommand("add", "Appends what assay bench --out measured.");
  CLI::App* const shows = sub->add_subcommand("show", "Draws every series, and marks its changes.");
  adds->add_option("FILE", chosen->file, "written by assay bench --out")->required();
  for (CLI::App* each : {adds, shows}) {
    each->add_option("PATTERN", chosen->patterns, "part of a benchmark's name, or a shell pattern");
    each->add_option("--history", chosen->folder, "otherwise bench/history")->type_name("FOLDER");
  }
  shows->add_option("--machine", chosen->machine, "part of a machine's name");
  const char* const k_examples =
      "Examples:\n  assay bench gelu --processes 12 --out now.json && assay history add now.json\n"
      "  assay history show gelu.erf.fwd/fused";
  for (CLI::App* each : {sub, adds, shows}) each->footer(k_examples);
  adds->callback([chosen, &status] { status = add(*chosen); });
  shows->callback([chosen, &common, &status] { status = show(*chosen, common); });
}

}  // namespace assay::tools
