// Where the time of a pass goes, operation by operation.
#pragma once

#include "properties/contract.hpp"
#include "tools/gpt2/executor.hpp"

#include <functional>
#include <optional>

namespace assay::gpt2 {

struct timed_operation {
  std::string name, function, implementation;
  // What its contract reckons that it moves and computes; nothing where that depends on numbers
  // (lengths, tokens that repeat) and not on shapes alone.
  std::optional<properties::cost> work;
  std::vector<double> seconds;  // one a round
};

struct pass_times {
  std::vector<timed_operation> operations;
  std::vector<double> whole;     // seconds of the pass with nothing between its operations
  std::vector<double> replayed;  // and as one piece of recorded work: on a GPU a graph
};

// Runs and replays the pass once for nothing, then so many rounds of three passes: one with a mark
// after every operation, one with none between, one that is replayed. On a GPU marks are events,
// and nothing waits before the end of a pass; on the emulator they are the clock's, and an
// operation's time is the host's. Ends before the next round where `go_on`, which is told the
// rounds done, says so.
pass_times timed(executor& by, std::int64_t rounds, const std::function<bool(std::int64_t)>& go_on);

// Seconds of the whole pass, run once more, or replayed.
double timed_whole(executor& by, bool replayed);

}  // namespace assay::gpt2
