#include "tools/assay/fuzz_plan.hpp"

#include "tools/assay/coverage.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/selection.hpp"

#include <unistd.h>
#include <cmath>
#include <utility>

namespace assay::tools {

using namespace properties;
using nlohmann::json;

namespace {

json failure_of(const run_report& report) {
  return {{"id", print(report.id)}, {"reason", report.reason}, {"outcome", name_of(report.result)}};
}

double largest_fraction(const run_report& report) {
  double most = 0;
  for (const output_verdict& each : report.outputs)
    most = std::max(most, each.strict.worst_fraction);
  return most;
}

// A run that hangs outside of the kernel, where the emulator does not see it, ends its process.
void set_alarm(double limit_seconds) {
  alarm(limit_seconds > 0 ? unsigned(std::ceil(process_limit(limit_seconds))) : 0);
}

}  // namespace

std::vector<fuzz_target> fuzz_targets(const std::vector<std::string>& patterns,
                                      const std::string& backend) {
  std::vector<fuzz_target> all;
  for (const contract& c : contracts())
    for (const implementation& by : c.implementations)
      for (const std::vector<dtype>& types : signatures_of(c, by))
        all.push_back({&c, &by, types, backend});
  std::vector<std::string> texts;
  for (const fuzz_target& each : all) texts.push_back(text_of(each));
  const std::vector<bool> wanted = matching(patterns, texts);
  std::vector<fuzz_target> chosen;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (wanted[i]) chosen.push_back(std::move(all[i]));
  return chosen;
}

fuzz_plan::fuzz_plan(std::vector<fuzz_target> targets, std::uint64_t seed,
                     const run_settings& settings)
    : best(targets.size()), targets_(std::move(targets)), seed_(seed), settings_(settings) {
  for (const fuzz_target& each : targets_) drawn_.push_back(any_run(each));
}

run_id fuzz_plan::run_at(std::uint64_t index) const {
  const std::size_t t = std::size_t(index % targets_.size());
  run_id drawn = drawn_run(drawn_[t], seed_, index).value();
  if (!climb || best[t].fraction < 0 || index / targets_.size() % 2 == 0) return drawn;
  run_id moved = neighbour_of(best[t].by, drawn, index / targets_.size() / 2);
  const implementation& by = *targets_[t].by;
  return by.declines && !by.declines(moved.of).empty() ? drawn : moved;
}

json run_batch(const fuzz_plan& plan, const journal& named, const json& job) {
  const auto first = job.at("first").get<std::uint64_t>(),
             count = job.at("count").get<std::uint64_t>();
  const auto slot = job.at("slot").get<std::size_t>();
  coverage covered;
  json outcomes = json::object(), failures = json::array(), best = json::array();
  std::vector<climbed> climbed_here(plan.targets().size());
  std::uint64_t ran = 0;
  while (ran < count) {
    const std::uint64_t index = first + ran++;
    const run_id id = plan.run_at(index);
    named.write(slot, print(id));
    set_alarm(plan.settings().time_limit_seconds);
    const prepared_case prepared = prepare(id.of);
    run_report report = run(id, prepared, plan.settings());
    if (const auto asked = plan.property_at(index)) ask_property(report, *asked, plan.settings());
    set_alarm(0);
    json& times = outcomes[name_of(report.result)];
    times = times.is_null() ? 1 : times.get<int>() + 1;
    covered.add(report, prepared);
    climbed& here = climbed_here[std::size_t(index % plan.targets().size())];
    if (report.result == outcome::passed) {
      if (const double f = largest_fraction(report); f > here.fraction) here = {f, id};
      continue;
    }
    failures.push_back(failure_of(report));
    if (report.result == outcome::crashed) break;  // this process may be fit for nothing
  }
  for (std::size_t t = 0; t < climbed_here.size(); ++t)
    if (climbed_here[t].fraction > plan.best[t].fraction)
      best.push_back({{"target", t},
                      {"fraction", climbed_here[t].fraction},
                      {"id", print(climbed_here[t].by)}});
  return {{"ran", ran},
          {"outcomes", outcomes},
          {"covered", covered.to_json()},
          {"best", best},
          {"failures", failures}};
}

}  // namespace assay::tools
