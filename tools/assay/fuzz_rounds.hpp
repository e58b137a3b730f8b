// A fuzz's loop: rounds of batches in child processes, until the time or the cases are over.
#pragma once

#include "tools/assay/coverage.hpp"
#include "tools/assay/fuzz_failures.hpp"
#include "tools/assay/fuzz_plan.hpp"
#include "tools/assay/journal.hpp"
#include "tools/assay/terminal.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::tools {

struct fuzz_limits {
  std::optional<double> seconds;
  std::optional<std::uint64_t> cases;
  unsigned processes = 0;  // 0: one per core
};

struct fuzz_result {
  std::uint64_t ran = 0;
  double seconds = 0;
  coverage covered;
  failures failed;
};

class fuzz_rounds {
 public:
  // The journal lies in `folder`. Throws bad_input where that cannot be written to.
  fuzz_rounds(fuzz_plan& plan, const fuzz_limits& limits, const std::string& folder);

  // Ends early where the process was interrupted. `plan.best` is kept up to date.
  fuzz_result run();

 private:
  struct stretch {  // of the plan's runs
    std::uint64_t first, count;
  };

  double taken() const;
  bool enough() const;
  std::vector<stretch> next_stretches();
  void round();
  nlohmann::json of_death(std::size_t slot, const stretch& of, std::string how) const;
  void take(const nlohmann::json& ended, const stretch& of);

  fuzz_plan& plan_;
  fuzz_limits limits_;
  std::uint64_t cases_, next_ = 0;
  std::vector<stretch> left_;  // by processes that died or were spoilt
  journal named_;
  fuzz_result result_;
  std::chrono::steady_clock::time_point begun_;
  progress shown_;
};

}  // namespace assay::tools
