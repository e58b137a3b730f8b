// What a fuzz runs, and the work of its child processes.
#pragma once

#include "properties/arbitrary.hpp"
#include "properties/harness.hpp"
#include "tools/assay/journal.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::tools {

// Everything that `patterns` match (all, where there are none), each dtype by itself. Throws
// bad_input, with the nearest names, where a pattern matches nothing.
std::vector<properties::fuzz_target> fuzz_targets(const std::vector<std::string>& patterns,
                                                  const std::string& backend);

// The largest share of its strict bound that runs of a target have used.
struct climbed {
  double fraction = -1;
  properties::run_id by;
};

class fuzz_plan {
 public:
  fuzz_plan(std::vector<properties::fuzz_target> targets, std::uint64_t seed,
            const properties::run_settings& settings);

  // The targets take turns. Where `climb`, every other run of a target is a neighbour of its best.
  properties::run_id run_at(std::uint64_t index) const;
  bool climb = false;

  std::vector<climbed> best;  // one a target

  const std::vector<properties::fuzz_target>& targets() const { return targets_; }
  const properties::run_settings& settings() const { return settings_; }

  // The property that run `index` is asked for besides its verdict, in every other round of the
  // targets (a property runs the kernel several times more): they take turns too.
  std::optional<std::size_t> property_at(std::uint64_t index) const {
    const std::uint64_t round = index / targets_.size();
    if (round % 2 != 0) return std::nullopt;
    return std::size_t(round / 2);
  }

 private:
  std::vector<properties::fuzz_target> targets_;
  std::vector<rc::Gen<properties::run_id>> drawn_;
  std::uint64_t seed_;
  properties::run_settings settings_;
};

// In a child process: runs {"first", "count"} of the plan, each under an alarm and named in the
// slot {"slot"} of the journal while it runs. Gives
//   {"ran": n, "outcomes": {...}, "covered": {...}, "best": [{"target", "fraction", "id"}],
//    "failures": [{"id", "reason", "outcome"}]}
// where n < count only if a run has spoilt the process.
nlohmann::json run_batch(const fuzz_plan& plan, const journal& named, const nlohmann::json& job);

}  // namespace assay::tools
