#include "tools/assay/fuzz_rounds.hpp"

#include "tools/assay/workers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace assay::tools {

using namespace properties;
using nlohmann::json;
using clock = std::chrono::steady_clock;

namespace {

// Runs of a batch; batches of a round, few where the next ones depend on what these find.
constexpr std::uint64_t k_batch = 32, k_round = 64, k_round_of_climb = 4;

}  // namespace

fuzz_rounds::fuzz_rounds(fuzz_plan& plan, const fuzz_limits& limits, const std::string& folder)
    : plan_(plan),
      limits_(limits),
      cases_(limits.cases.value_or(std::numeric_limits<std::uint64_t>::max())),
      named_(folder, k_round),
      begun_(clock::now()),
      shown_("fuzzing", limits.cases.value_or(0)) {}

fuzz_result fuzz_rounds::run() {
  while (!enough() && (next_ < cases_ || !left_.empty())) round();
  result_.seconds = taken();
  return std::move(result_);
}

double fuzz_rounds::taken() const {
  return std::chrono::duration<double>(clock::now() - begun_).count();
}

bool fuzz_rounds::enough() const {
  return interrupted() || (limits_.seconds && taken() >= *limits_.seconds);
}

// Of one round, what an earlier one left first. The journal's slot of each is its place.
std::vector<fuzz_rounds::stretch> fuzz_rounds::next_stretches() {
  const std::size_t most = plan_.climb ? k_round_of_climb : k_round;
  const auto taken = std::ptrdiff_t(std::min(left_.size(), most));
  std::vector<stretch> all(left_.begin(), left_.begin() + taken);
  left_.erase(left_.begin(), left_.begin() + taken);
  while (all.size() < most && next_ < cases_) {
    all.push_back({next_, std::min(k_batch, cases_ - next_)});
    next_ += all.back().count;
  }
  return all;
}

void fuzz_rounds::round() {
  const std::vector<stretch> all = next_stretches();
  std::vector<json> jobs;
  for (const stretch& each : all)
    jobs.push_back({{"first", each.first}, {"count", each.count}, {"slot", jobs.size()}});
  worker_options workers{limits_.processes, std::numeric_limits<double>::max(), {}};
  workers.spoils = [](const job_result& r) { return r.value.at("outcomes").contains("crashed"); };
  std::vector<json> ended(all.size());
  run_in_processes(
      jobs, workers, [&](const json& job) { return run_batch(plan_, named_, job); },
      [&](std::size_t i, const job_result& job) {
        const bool returned = job.how == job_result::end::returned;
        ended[i] = returned ? job.value : of_death(i, all[i], job.death);
        result_.ran += ended[i].at("ran").get<std::uint64_t>();
        named_.clear(i);
        shown_.show(result_.ran, fmt::format("{} failed", result_.failed.count()));
      },
      [&] { return enough(); });
  // In the order of the runs, whatever order they ended in: a seed gives one result.
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!ended[i].is_null()) take(ended[i], all[i]);  // null: the time was over
}

// A batch whose process died: the journal names the run. What those before it gave is lost with the
// process, and they are run again.
json fuzz_rounds::of_death(std::size_t slot, const stretch& of, std::string how) const {
  const std::string id = named_.read(slot);
  if (how.find("Alarm clock") != std::string::npos)
    how = fmt::format("it hung: no result after {:.3g} s", plan_.settings().time_limit_seconds);
  std::uint64_t before = 0;
  while (before < of.count && print(plan_.run_at(of.first + before)) != id) ++before;
  if (before == of.count)
    throw std::runtime_error("a process of the fuzz died before its first run: " + how);
  return {{"before", before},
          {"ran", 1},
          {"outcomes", {{"crashed", 1}}},
          {"covered", json::object()},
          {"best", json::array()},
          {"failures", {{{"id", id}, {"reason", how}, {"outcome", "crashed"}}}}};
}

void fuzz_rounds::take(const json& ended, const stretch& of) {
  const std::uint64_t before = ended.value("before", std::uint64_t(0)),
                      end = before + ended.at("ran").get<std::uint64_t>();
  if (before > 0) left_.push_back({of.first, before});
  if (end < of.count) left_.push_back({of.first + end, of.count - end});
  result_.covered.merge(ended.at("covered"));
  for (const json& each : ended.at("failures")) result_.failed.add(each);
  for (const json& each : ended.at("best")) {
    climbed& best = plan_.best[each.at("target").get<std::size_t>()];
    const auto fraction = each.at("fraction").get<double>();
    if (fraction > best.fraction) best = {fraction, parse_run(each.at("id").get<std::string>())};
  }
}

}  // namespace assay::tools
