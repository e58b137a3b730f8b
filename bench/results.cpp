#include "bench/results.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace assay::bench {
namespace {

using nlohmann::json;

constexpr std::size_t k_largest_file = std::size_t(256) << 20;

double seconds_in(const std::string& unit, const std::string& where) {
  if (unit == "ns") return 1e-9;
  if (unit == "us") return 1e-6;
  if (unit == "ms") return 1e-3;
  if (unit == "s") return 1;
  throw bad_input("{}: unknown time_unit '{}'; there are: ns, us, ms, s", where, unit);
}

std::string text_at(const json& entry, const char* key, const std::string& otherwise,
                    const std::string& where) {
  const auto found = entry.find(key);
  if (found == entry.end()) return otherwise;
  if (!found->is_string()) throw bad_input("{}: '{}' is no text", where, key);
  return found->get<std::string>();
}

class collector {
 public:
  // One entry of "benchmarks".
  void add(const json& entry, const std::string& where) {
    if (!entry.is_object()) throw bad_input("{} is no object", where);
    const std::string full = text_at(entry, "name", "", where);
    const std::string name = text_at(entry, "run_name", full, where);
    if (name.empty()) throw bad_input("{} has no name", where);
    if (text_at(entry, "run_type", "iteration", where) == "aggregate") {
      aggregated_.insert(name);
      return;
    }
    measured& into = find(name);
    if (entry.value("error_occurred", json(false)) == json(true)) {
      into.error = text_at(entry, "error_message", "no message", where);
      return;
    }
    const auto time = entry.find("real_time");
    if (time == entry.end() || !time->is_number())
      throw bad_input("{} ({}) has no number 'real_time'", where, name);
    const double seconds =
        time->get<double>() * seconds_in(text_at(entry, "time_unit", "ns", where), where);
    if (!(seconds > 0 && std::isfinite(seconds)))
      throw bad_input("{} ({}): 'real_time' is {}, no positive number", where, name, time->dump());
    into.seconds.push_back(seconds);
    into.entries.push_back(entry);
  }

  std::vector<measured> finish(const std::string& from) {
    for (const std::string& name : aggregated_)
      if (!places_.count(name))
        throw bad_input(
            "'{}': '{}' has aggregates and no repetitions; make it without "
            "--benchmark_report_aggregates_only",
            from, name);
    return std::move(all_);
  }

 private:
  measured& find(const std::string& name) {
    const auto [at, added] = places_.emplace(name, all_.size());
    if (added) all_.push_back({name, {}, {}, {}});
    return all_[at->second];
  }

  std::vector<measured> all_;
  std::map<std::string, std::size_t> places_;
  std::set<std::string> aggregated_;
};

}  // namespace

results parse_results(const std::string& text, const std::string& from) {
  const json file = json::parse(text, nullptr, false);
  if (file.is_discarded()) throw bad_input("'{}' is no JSON", from);
  if (!file.is_object() || !file.contains("benchmarks") || !file["benchmarks"].is_array())
    throw bad_input("'{}' is no result of Google Benchmark: it has no list 'benchmarks'", from);
  results all;
  if (file.contains("context") && file["context"].is_object()) all.context = file["context"];
  collector into;
  std::size_t at = 0;
  for (const json& entry : file["benchmarks"])
    into.add(entry, fmt::format("'{}', benchmarks[{}]", from, at++));
  all.benchmarks = into.finish(from);
  if (all.benchmarks.empty()) throw bad_input("'{}' holds no benchmark", from);
  return all;
}

results read_results(const std::string& path) {
  return parse_results(properties::read_file(path, k_largest_file), path);
}

std::string to_text(const results& all) {
  json entries = json::array();
  std::size_t family = 0;
  for (const measured& each : all.benchmarks) {
    for (std::size_t i = 0; i < each.entries.size(); ++i) {
      json entry = each.entries[i];
      entry["name"] = entry["run_name"] = each.name;
      entry["run_type"] = "iteration";
      entry["family_index"] = family;
      entry["per_family_instance_index"] = 0;
      entry["repetitions"] = each.entries.size();
      entry["repetition_index"] = i;
      entries.push_back(std::move(entry));
    }
    if (!each.error.empty())
      entries.push_back({{"name", each.name},
                         {"run_name", each.name},
                         {"run_type", "iteration"},
                         {"family_index", family},
                         {"error_occurred", true},
                         {"error_message", each.error}});
    ++family;
  }
  const json whole = {{"context", all.context}, {"benchmarks", entries}};
  return whole.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string short_name(const std::string& name) {
  constexpr std::array k_words = {"manual_time", "real_time", "process_time"};
  constexpr std::array k_settings = {"iterations:", "repeats:", "min_time:", "min_warmup_time:"};
  std::string rest = name;
  for (;;) {
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string::npos || slash == 0) return rest;
    const std::string last = rest.substr(slash + 1);
    const bool appended =
        std::find(k_words.begin(), k_words.end(), last) != k_words.end() ||
        std::any_of(k_settings.begin(), k_settings.end(),
                    [&](const char* prefix) { return last.rfind(prefix, 0) == 0; });
    if (!appended) return rest;
    rest.resize(slash);
  }
}

}  // namespace assay::bench
