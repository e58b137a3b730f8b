#include "tools/assay/golden_verify.hpp"

#include "golden/cases.hpp"
#include "golden/difference.hpp"
#include "golden/kernels.hpp"
#include "tools/assay/golden_runs.hpp"
#include "tools/assay/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::tools {

using golden::record;
using golden::store;

namespace {

void verify_reference(const store& kept, const record& accepted, verification& of) {
  const auto changes = difference(accepted, golden::make_record(of.component));
  if (!changes.empty())
    of.pending.push_back(
        fmt::format("{} is not what the reference gives: {} changes; the first, {}{}{}: {}: {}",
                    kept.accepted_path(of.component), changes.size(), print(changes[0].id),
                    changes[0].tensor.empty() ? "" : ":", changes[0].tensor,
                    name_of(changes[0].why), in_words(changes[0])));
  // Where the reference of many digits says something new, double does too: that is no error.
  const auto changed = [&](const golden::recorded_case& of_these) {
    return std::any_of(changes.begin(), changes.end(),
                       [&](const golden::change& each) { return each.id == of_these.id; });
  };
  for (const golden::recorded_case& each : accepted.cases) {
    if (changed(each) || !golden::fits(each)) continue;
    const std::string out = golden::disagreement_with_double(each);
    if (!out.empty()) of.wrong.push_back(fmt::format("{}: {}", print(each.id), out)), ++of.failed;
  }
}

void verify_kernels(const record& accepted, unsigned jobs, double time_limit, verification& of) {
  std::vector<const golden::recorded_case*> cases;
  for (const golden::recorded_case& each : accepted.cases)
    if (golden::fits(each)) cases.push_back(&each);
  std::vector<golden_run> runs = runs_of(cases);
  run_kernels(runs, jobs, time_limit, of.component);
  of.runs = runs.size();
  for (const golden_run& each : runs) {
    const std::string outcome = each.report.at("outcome");
    if (outcome == "passed")
      of.fraction = std::max(of.fraction, number_in(each.report.at("fraction")));
    if (outcome == "passed" || outcome == "not run") continue;  // not run: interrupted
    ++(outcome == "crashed" ? of.crashed : of.failed);
    of.wrong.push_back(fmt::format("{} by {}: {}: {}", print(each.of->id), each.implementation,
                                   outcome, each.report.at("reason").get<std::string>()));
  }
}

}  // namespace

verification verify_golden(const store& kept, const std::string& name, unsigned jobs,
                           double time_limit) {
  verification of;
  of.component = name;
  const std::vector<std::string> known = golden::components();
  const auto accepted = kept.accepted(name);
  if (kept.pending(name))
    of.pending.push_back(
        fmt::format("{} waits to be accepted or rejected", kept.pending_path(name)));
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    of.pending.push_back(
        fmt::format("{}: there is no component '{}' any more", kept.accepted_path(name), name));
  } else if (!accepted) {
    of.pending.push_back(
        fmt::format("{}: there is none; assay golden update {}", kept.accepted_path(name), name));
  } else {
    of.cases = accepted->cases.size();
    verify_reference(kept, *accepted, of);
    verify_kernels(*accepted, jobs, time_limit, of);
  }
  return of;
}

}  // namespace assay::tools
