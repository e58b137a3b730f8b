#include "tools/assay/comparison.hpp"

#include "bench/rank_test.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace assay::tools {
namespace {

using bench::answer;
using bench::judgement;
using nlohmann::json;

const bench::waiver* waiver_of(const comparison& made, const judgement& j) {
  if (j.is != answer::slow) return nullptr;
  if (const bench::waiver* found = made.waived.holding(bench::short_name(j.name), made.day))
    return found;
  return made.waived.holding(j.name, made.day);
}

std::size_t count(const comparison& made, answer which) {
  return std::size_t(std::count_if(made.judged.begin(), made.judged.end(),
                                   [&](const judgement& j) { return j.is == which; }));
}

std::string percent(double relative) {
  return std::isfinite(relative) ? fmt::format("{:.1f} %", 100 * relative) : "";
}

std::string also_of(const comparison& made, const std::string& name) {
  const auto found = made.also.find(bench::short_name(name));
  return found == made.also.end() ? "" : found->second;
}

std::string note_of(const comparison& made, const judgement& j) {
  std::string note = j.why;
  if (const bench::waiver* const w = waiver_of(made, j))
    note = fmt::format("waived until {}: {}", bench::print(w->until), w->reason);
  if (const std::string also = also_of(made, j.name); !also.empty())
    note += (note.empty() ? "" : "; ") + also;
  return note;
}

std::string interval_text(const judgement& j) {
  if (!std::isfinite(j.high)) return "";
  return fmt::format("[{:.3f}, {:.3f}]", j.low, j.high);
}

void print_table(const comparison& made) {
  table all({"benchmark", "before", "after", "ratio", "interval", "A/A spread", "answer", "note"});
  for (std::size_t i = 0; i < made.judged.size(); ++i) {
    const judgement& j = made.judged[i];
    const bench::two_sides& of = made.measured.both[i];
    const auto middle = [](const std::vector<double>& times) {
      return times.empty() ? "" : time_text(bench::median(times));
    };
    const tone how = j.is == answer::slow   ? waiver_of(made, j) ? tone::plain : tone::bad
                     : j.is == answer::fast ? tone::good
                                            : tone::plain;
    all.add({bench::short_name(j.name), middle(of.before), middle(of.after),
             j.samples ? fmt::format("{:.3f}", j.ratio) : "", interval_text(j), percent(j.spread),
             bench::name_of(j.is), note_of(made, j)},
            how);
  }
  if (!made.judged.empty()) fmt::print("{}\n", all.text());
  for (const auto& [name, why] : made.measured.failed) fmt::print("failed  {}: {}\n", name, why);
  for (const std::string& name : made.measured.only_before)
    fmt::print("only before  {}\n", bench::short_name(name));
  for (const std::string& name : made.measured.only_after)
    fmt::print("only after   {}\n", bench::short_name(name));
  for (const auto& [kernel, how] : made.resources) fmt::print("kernel  {}: {}\n", kernel, how);
  std::size_t waived = 0;
  for (const judgement& j : made.judged) waived += waiver_of(made, j) != nullptr;
  const std::size_t slow = count(made, answer::slow);
  const std::string last = fmt::format("{} benchmarks: {} FAST, {} SLOW{}, {} SAME, {} AMBIGUOUS",
                                       made.judged.size(), count(made, answer::fast), slow,
                                       waived ? fmt::format(" ({} of them waived)", waived) : "",
                                       count(made, answer::same), count(made, answer::ambiguous));
  const bool bad = slow > waived || !made.measured.failed.empty();
  fmt::print("{}\n", painted(bad ? tone::bad : tone::good, last));
}

json to_json(const comparison& made) {
  json all = json::array();
  for (std::size_t i = 0; i < made.judged.size(); ++i) {
    const judgement& j = made.judged[i];
    const bench::waiver* const w = waiver_of(made, j);
    all.push_back(
        {{"name", j.name},
         {"answer", bench::name_of(j.is)},
         {"ratio", j.ratio},
         {"interval", {j.low, j.high}},
         {"p", j.p},
         {"adjusted_p", j.adjusted_p},
         {"spread", j.spread},
         {"threshold", j.threshold},
         {"samples", j.samples},
         {"before", made.measured.both[i].before},
         {"after", made.measured.both[i].after},
         {"why", j.why},
         {"also", also_of(made, j.name)},
         {"waived", w ? json{{"until", bench::print(w->until)}, {"reason", w->reason}} : json()}});
  }
  json summary = json::object();
  for (const answer each : {answer::fast, answer::slow, answer::same, answer::ambiguous})
    summary[bench::name_of(each)] = count(made, each);
  return {{"benchmarks", all},
          {"failed", made.measured.failed},
          {"only_before", made.measured.only_before},
          {"only_after", made.measured.only_after},
          {"resources", made.resources},
          {"summary", summary}};
}

}  // namespace

paired_results pair_up(const bench::results& before, const bench::results& after) {
  paired_results pairs;
  std::map<std::string, const bench::measured*> others;
  for (const bench::measured& each : after.benchmarks) others.emplace(each.name, &each);
  for (const bench::measured& each : before.benchmarks) {
    const auto other = others.find(each.name);
    if (other == others.end()) {
      pairs.only_before.push_back(each.name);
      continue;
    }
    pairs.both.push_back({each.name, each.seconds, other->second->seconds});
    if (!each.error.empty()) pairs.failed[each.name] = "before the change: " + each.error;
    if (!other->second->error.empty()) pairs.failed[each.name] = other->second->error;
    others.erase(other);
  }
  for (const bench::measured& each : after.benchmarks)
    if (others.count(each.name)) {
      pairs.only_after.push_back(each.name);
      if (!each.error.empty()) pairs.failed[each.name] = each.error;
    }
  return pairs;
}

void print_comparison(const comparison& made, bool as_json) {
  if (as_json)
    fmt::print("{}\n", to_json(made).dump(1, ' ', false, json::error_handler_t::replace));
  else
    print_table(made);
}

int status_of(const comparison& made, bool fail_on_ambiguous) {
  if (!made.measured.failed.empty()) return k_wrong;
  bool ambiguous = false;
  for (const judgement& j : made.judged) {
    if (j.is == answer::slow && !waiver_of(made, j)) return k_slower;
    ambiguous = ambiguous || j.is == answer::ambiguous;
  }
  return ambiguous && fail_on_ambiguous ? k_ambiguous : k_good;
}

std::string time_text(double seconds) {
  if (seconds < 1e-6) return fmt::format("{:.4g} ns", 1e9 * seconds);
  if (seconds < 1e-3) return fmt::format("{:.4g} us", 1e6 * seconds);
  if (seconds < 1) return fmt::format("{:.4g} ms", 1e3 * seconds);
  return fmt::format("{:.4g} s", seconds);
}

std::string default_waivers() {
  namespace files = std::filesystem;
  std::error_code error;
  for (files::path at = files::current_path(error); !at.empty(); at = at.parent_path()) {
    if (files::exists(at / ".git", error)) return (at / "bench" / "waivers.jsonl").string();
    if (at == at.root_path()) break;
  }
  return "";
}

}  // namespace assay::tools
