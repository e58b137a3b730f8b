#include "tools/assay/golden_runs.hpp"

#include "tools/assay/report.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace assay::tools {

using namespace properties;
using golden::change;
using golden::recorded_case;
using nlohmann::json;

namespace {

json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

json numbers(const std::vector<double>& values) {
  json all = json::array();
  for (double each : values) all.push_back(number(each));
  return all;
}

std::string fraction_text(const std::optional<double>& fraction) {
  return fraction ? fmt::format("{:.3f}", *fraction) : "none";
}

std::string kernels_text(const std::vector<golden_changes::fractions>& all) {
  std::string text;
  for (const auto& each : all)
    text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", each.implementation,
                        fraction_text(each.before), fraction_text(each.after));
  return text;
}

std::string tensor_text(const change& of) {
  return of.tensor.empty() ? print(of.id) : print(of.id) + ":" + of.tensor;
}

// The cases of a record that the changes speak of, as far as this program has their functions and
// they are cases of them.
std::vector<const recorded_case*> changed_cases(const std::optional<golden::record>& of,
                                                const std::vector<change>& changes) {
  std::vector<const recorded_case*> cases;
  for (const change& each : changes) {
    const recorded_case* const found = of ? of->find(each.id) : nullptr;
    const bool known = std::find(cases.begin(), cases.end(), found) != cases.end();
    if (found && !known && golden::fits(*found)) cases.push_back(found);
  }
  return cases;
}

void add_fractions(golden_changes& into, const std::vector<golden_run>& runs, bool after) {
  for (const golden_run& each : runs) {
    auto& of_case = into.kernels[print(each.of->id)];
    auto found = std::find_if(of_case.begin(), of_case.end(), [&](const auto& known) {
      return known.implementation == each.implementation;
    });
    if (found == of_case.end()) found = of_case.insert(found, {each.implementation, {}, {}});
    (after ? found->after : found->before) = number_in(each.report.at("fraction"));
  }
}

}  // namespace

std::vector<golden_run> runs_of(const std::vector<const recorded_case*>& cases) {
  std::vector<golden_run> runs;
  for (const recorded_case* of : cases)
    for (const std::string& name : golden::implementations_of(of->id))
      runs.push_back({of, name, {}});
  return runs;
}

void run_kernels(std::vector<golden_run>& runs, unsigned jobs, double time_limit,
                 const std::string& what) {
  run_settings settings;
  settings.workers = 1;
  settings.repeat = false;
  settings.time_limit_seconds = time_limit;
  const auto id_of = [](const golden_run& of) {
    return run_id{of.of->id, of.implementation, "emulator", 0};
  };
  std::vector<json> work;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    work.push_back(i);
    runs[i].report = report_of_death(id_of(runs[i]), settings, "interrupted");
    runs[i].report["outcome"] = "not run";
    runs[i].report["fraction"] = "inf";
  }
  progress shown(what, runs.size());
  std::size_t ended = 0;
  run_in_processes(
      work, {jobs, process_limit(time_limit), {}},
      [&](const json& job) {
        const golden_run& of = runs[job.get<std::size_t>()];
        const run_report report = run(id_of(of), golden::prepared_from(*of.of), settings);
        json told = to_json(report, settings);
        told["fraction"] = number(golden::largest_fraction(report));
        return told;
      },
      [&](std::size_t i, const job_result& result) {
        if (result.how == job_result::end::returned) {
          runs[i].report = result.value;
        } else {
          runs[i].report = report_of_death(id_of(runs[i]), settings, result.death);
          runs[i].report["fraction"] = "inf";
        }
        shown.show(++ended, runs[i].of->id.function());
      },
      interrupted);
}

golden_changes changes_between(const std::string& component,
                               const std::optional<golden::record>& before,
                               const std::optional<golden::record>& after, unsigned jobs,
                               double time_limit) {
  golden_changes all{component, {}, {}};
  const golden::record nothing{component, {}, {}};
  all.changes = golden::difference(before ? *before : nothing, after ? *after : nothing);
  for (bool later : {false, true}) {
    std::vector<golden_run> runs = runs_of(changed_cases(later ? after : before, all.changes));
    run_kernels(runs, jobs, time_limit, later ? "kernels, after" : "kernels, before");
    add_fractions(all, runs, later);
  }
  return all;
}

std::string told(const golden_changes& all) {
  std::string text = fmt::format(
      "{}: {}\n", all.component,
      all.changes.empty() ? "nothing changed" : fmt::format("{} changes", all.changes.size()));
  std::string last;
  for (const change& each : all.changes) {
    const std::string id = print(each.id);
    if (id != last) {
      const auto kernels = all.kernels.find(id);
      text += fmt::format("\n  {}\n", id);
      if (kernels != all.kernels.end())
        text += fmt::format("    of the bound  {}\n", kernels_text(kernels->second));
    }
    last = id;
    text += fmt::format("    {}  {}: {}\n", each.tensor.empty() ? "all" : each.tensor,
                        name_of(each.why), in_words(each));
    for (std::size_t i = 0; i < each.before.size(); ++i)
      text += fmt::format("      {}[{}] {:.9g} -> {:.9g}\n", each.tensor,
                          each.first_shown + std::int64_t(i), each.before[i], each.after[i]);
  }
  return text;
}

std::string markdown(const std::vector<golden_changes>& all) {
  std::string text = "| tensor | changed | what | of the bound |\n| --- | --- | --- | --- |\n";
  for (const golden_changes& of : all)
    for (const change& each : of.changes) {
      const auto kernels = of.kernels.find(print(each.id));
      text += fmt::format("| `{}` | {} | {} | {} |\n", tensor_text(each), name_of(each.why),
                          in_words(each),
                          kernels == of.kernels.end() ? "" : kernels_text(kernels->second));
    }
  return text;
}

json to_json(const golden_changes& all) {
  json changes = json::array();
  for (const change& each : all.changes) {
    json kernels = json::array();
    if (const auto found = all.kernels.find(print(each.id)); found != all.kernels.end())
      for (const auto& f : found->second)
        kernels.push_back({{"implementation", f.implementation},
                           {"before", f.before ? number(*f.before) : json()},
                           {"after", f.after ? number(*f.after) : json()}});
    changes.push_back({{"case", print(each.id)},
                       {"tensor", each.tensor},
                       {"changed", name_of(each.why)},
                       {"holds_before", each.before_holds},
                       {"holds_after", each.after_holds},
                       {"dtype", name_of(each.type)},
                       {"shape", each.shape},
                       {"elements", each.elements},
                       {"moved", each.moved},
                       {"ulps", number(each.ulps)},
                       {"worst", each.worst < 0 ? json() : json(each.worst)},
                       {"shown_from", each.first_shown},
                       {"before", numbers(each.before)},
                       {"after", numbers(each.after)},
                       {"kernels", kernels}});
  }
  return {{"component", all.component}, {"changes", changes}};
}

}  // namespace assay::tools
