#include "tools/assay/fuzz_failures.hpp"

#include "properties/bad_input.hpp"
#include "tools/assay/examples.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <fmt/format.h>

#include <chrono>

namespace assay::tools {

using namespace properties;
using nlohmann::json;

namespace {

// What a run that died leaves behind: its inputs, made anew where nothing can be lost by it.
std::string saved_inputs(const run_id& run, const std::string& reason, const std::string& folder) {
  const job_result saved =
      run_in_process({}, 60, [&](const json&) -> json { return save_inputs(run, reason, folder); });
  return saved.how == job_result::end::returned ? saved.value.get<std::string>() : "";
}

}  // namespace

json run_alone(const run_id& run, const run_settings& settings, const std::string& folder) {
  const job_result result =
      run_in_process({{"id", print(run)}}, process_limit(settings.time_limit_seconds),
                     run_handler(settings, folder, true));
  if (result.how == job_result::end::returned) return result.value;
  json report = report_of_death(run, settings, result.death, true);
  if (!folder.empty()) report["saved"] = saved_inputs(run, result.death, folder);
  return report;
}

bool has_failed(const json& report) {
  return report.at("outcome") == "failed" || report.at("outcome") == "crashed";
}

shrunk_run shrink(const run_id& failing, const std::function<bool(const run_id&)>& fails,
                  const std::function<bool()>& stop) {
  shrunk_run best{failing};
  for (bool simpler = true; simpler && !stop();) {
    simpler = false;
    rc::Seq<run_id> candidates = simpler_runs(best.run);
    while (const rc::Maybe<run_id> candidate = candidates.next()) {
      if (stop()) break;
      ++best.tried;
      if (!fails(*candidate)) continue;
      best.run = *candidate;
      ++best.steps;
      simpler = true;
      break;
    }
  }
  return best;
}

void failures::add(const json& failure) {
  const run_id run = parse_run(failure.at("id").get<std::string>());
  const std::string name =
      fmt::format("{} {} {}", run.of.function(), run.implementation, name_of(run.of.types[0].type));
  if (!kinds_.contains(name)) {
    kinds_[name].first = failure;
    order_.push_back(name);
  }
  ++kinds_[name].count;
  ++count_;
  crashed_ = crashed_ || failure.at("outcome") == "crashed";
}

std::vector<json> failures::told(const run_settings& settings, const std::string& folder,
                                 double seconds, const std::function<bool()>& stop) const {
  std::vector<json> reports;
  progress shown("shrinking", order_.size());
  for (const std::string& name : order_) {
    const kind& each = kinds_.at(name);
    const run_id found = parse_run(each.first.at("id").get<std::string>());
    const auto begun = std::chrono::steady_clock::now();
    const auto enough = [&] {
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
      return stop() || taken.count() > seconds;
    };
    const auto fails = [&](const run_id& run) { return has_failed(run_alone(run, settings, "")); };
    const shrunk_run simplest = shrink(found, fails, enough);
    json report = run_alone(simplest.run, settings, folder);
    if (!has_failed(report)) {
      report["outcome"] = each.first.at("outcome");
      report["reason"] = each.first.at("reason").get<std::string>() + " (and not when run again)";
    }
    report["found"] = print(found);
    report["alike"] = each.count;
    report["steps"] = simplest.steps;
    report["tried"] = simplest.tried;
    reports.push_back(std::move(report));
    shown.show(reports.size(), name);
  }
  return reports;
}

}  // namespace assay::tools
