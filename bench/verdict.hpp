// The regression rule: are the times after a change those before it?
//
// A sample is one process's time of a benchmark; the two sides' processes ran by turns. Per
// benchmark the ratio after / before is estimated on log times (Hodges-Lehmann), with the interval
// of the Mann-Whitney test. A change is what that test finds, at a false discovery rate over all
// benchmarks compared together (Benjamini-Hochberg), and what is larger than both 2 % and the
// benchmark's own A/A spread; and what a second, fresh set of samples finds again.
//
// False alarms. With nothing changed, a benchmark passes the test with probability at most
// k_level in each of the two sets, and in the second only one direction is left: at most
// k_level^2 / 2 = 5e-5 a comparison, before the demand for 2 % makes it rarer. Drift that both
// sides share leaves that true: which of two neighbours is whose was drawn by chance.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace assay::bench {

inline constexpr std::size_t k_least_samples = 12;  // a side
inline constexpr double k_least_effect = 0.02;      // of the ratio; smaller changes are not told
inline constexpr double k_level = 0.01;             // of tests and intervals
// Beyond this A/A spread "the same" cannot be said: a change of 10 % could hide.
inline constexpr double k_most_spread = 0.03;

enum class answer { fast, slow, same, ambiguous };
const char* name_of(answer which);  // "FAST", ...

// Times of one benchmark in seconds (any one unit), positive, in the order in which they were
// taken.
struct two_sides {
  std::string name;
  std::vector<double> before, after;
};

struct judgement {
  std::string name;
  answer is = answer::ambiguous;
  double ratio = 1, low = 1, high = 1;  // after / before: its estimate and its interval
  double p = 1, adjusted_p = 1;
  double spread = 0;        // A/A spread: relative
  double threshold = 0;     // the larger of k_least_effect and `spread`
  std::size_t samples = 0;  // of the smaller side
  std::string why;          // where ambiguous: in a few words
};

// How much the ratio of a side to itself scatters: of every two consecutive samples one goes to
// either half, and the halves are compared as two sides are, in every such way (or 256 of them,
// always the same). The 95 % quantile of |log ratio|, scaled from n/2 samples a side to n by
// 1/sqrt(2) and given as a relative change. Infinite below four samples.
double self_spread(std::span<const double> times);

// One set of samples, judged at `level`; FAST and SLOW are not confirmed yet.
std::vector<judgement> judge(std::span<const two_sides> all, double level = k_level);

// `first` after a second set of samples of those that were FAST or SLOW: what the second set does
// not find again, in the same direction, is ambiguous. What `again` does not hold stays.
std::vector<judgement> confirm(std::vector<judgement> first, std::span<const two_sides> again);

// Where a second set cannot be had (two files): its demand is made of the first. One test at the
// level that both together have: k_level^2.
std::vector<judgement> judge_once(std::span<const two_sides> all);

}  // namespace assay::bench
