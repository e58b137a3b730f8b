// The model judged operation by operation: each on the very inputs that its kernel met, by the
// contract of its function and the bound of the kernel that ran. An error that came in from before
// is not the operation's; what it adds is held against its bound.
#pragma once

#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/model_folder.hpp"

#include <functional>
#include <string>
#include <vector>

namespace assay::gpt2 {

// Of one output of one operation. Errors are root mean squares, relative to that of the value in
// the reference model; negative where the reference has no such value.
struct traced_output {
  std::string value;
  double fraction = 0;    // of the strict bound, the largest
  double added = -1;      // the kernel's output against the truth of its own inputs
  double inherited = -1;  // that truth against the value of the reference model
  std::int64_t elements = 0, unjudged = 0;  // unjudged: without a bound, or nothing is promised
  std::string reason;                       // empty where it passed
};

struct traced_operation {
  std::string name, function, implementation;
  std::vector<traced_output> outputs;

  bool passed() const;
  double fraction() const;  // the largest
};

// Runs and judges the operations of `by`, which has been loaded, in order. `truth`: the reference's
// values by name, gradients as d.NAME and gradient.NAME. `seen` is called after each; it may end
// the trace by returning false.
std::vector<traced_operation> traced(executor& by, const weights& truth,
                                     const std::function<bool(const traced_operation&)>& seen);

// The values of the reference model under the plan's names; with targets also gradients.
weights reference_values(const model& of, const reference::token_batch& tokens,
                         const std::vector<std::int64_t>& targets, bool backward);

}  // namespace assay::gpt2
