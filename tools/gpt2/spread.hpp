// How far kernels may be off at the end of a whole model: by what rounding alone makes of it. The
// reference runs several times with every operation off as if rounded at random (perturbed.hpp),
// and every value off once more as the dtype holds it; what those runs scatter by, kernels scatter
// by too.
#pragma once

#include "tools/gpt2/engine.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::gpt2 {

// A number that tells a run's distance from the exact model: of the logits, of the loss, of one
// parameter's gradient.
struct judged_distance {
  std::string of;       // "logits", "loss", "gradient.NAME"
  double distance = 0;  // of the kernels, root mean square, relative to the exact value's
  double mean = 0;      // of the perturbed runs
  double limit = 0;     // that one run more exceeds once in a million
  bool passed() const { return distance <= limit; }
};

// From the distances of several runs (their logarithms have a mean and a deviation): is one more
// within the limit? One that is drawn as they are exceeds it with probability 10^-6, a prediction
// limit by Student's distribution with runs - 1 degrees of freedom.
judged_distance judged(const std::string& of, double distance, const std::vector<double>& runs);

// One perturbed run, as an engine: it draws on from `seed` from call to call.
std::unique_ptr<engine> make_perturbed_engine(const model& of, dtype type, std::uint64_t seed);

struct spread_report {
  std::vector<judged_distance> judged;
  double divergence = 0;  // Kullback-Leibler, mean over tokens, of the kernels' from the exact ones
  double agreement = 0;   // share of tokens whose most probable next token is the exact one
  double exact_loss = 0, loss = 0, exact_norm = 0, norm = 0;  // of the global gradient
};

// Judges `got`, which were computed in `type`. The parameters of `of` must be of that dtype.
spread_report judge_by_spread(const model& of, const reference::token_batch& tokens,
                              const std::vector<std::int64_t>& targets, dtype type,
                              const std::vector<double>& logits, const loss_result& got, int runs,
                              std::uint64_t seed);

}  // namespace assay::gpt2
