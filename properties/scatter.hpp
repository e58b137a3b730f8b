// The statistical test: do the errors scatter as the declared arithmetic makes them scatter?
//
// The strict bound must cover the worst case, so it cannot see an error that stays below it in
// every element and is yet far larger, or far more one-sided, than roundings ever add up to: a
// wrong rounding place, a scale off by a little, one key of many dropped. This test can. It replays
// the implementation's model on slightly perturbed inputs (concrete arithmetic, rounding for
// rounding), learns how large errors before the last rounding are as a share of the strict bound,
// and asks of the actual output, given the actual truth:
//
//   energy  Q = sum (e_i / w_i)^2, e_i = got - truth. Given the truth and the scatter, the expected
//           square of each e_i is known, last rounding included. The elements of one group may
//           share an error (a softmax row shares its denominator), so a group counts as one degree
//           of freedom: Q exceeds T1 + 2 sqrt(T2 x) + 2 Tmax x with probability at most e^-x, T1,
//           T2, Tmax the sum, square sum and maximum of the groups' expected energies (Hsu, Kakade,
//           Zhang, "A tail inequality for quadratic forms of subgaussian random vectors", 2012,
//           with covariance of rank one in each group); 2 x / 3 is added for errors that come
//           seldom and large, as in Bernstein's inequality (w_i is such that |e_i / w_i| <= 1).
//   bias    L = sum sign(truth_i) (e_i - expected e_i) / w_i, sub-Gaussian group by group plus
//           Bernstein's term for last roundings that seldom flip (Boucheron, Lugosi, Massart,
//           Concentration Inequalities, 2013, section 2.8).
//
// The scatter is itself estimated; Laurent and Massart (2000), lemma 1, bounds how far below the
// true one it can lie. Each of the two tests alarms on a correct implementation with probability
// below k_false_alarm, as far as its rounding errors behave like independent random variables of
// mean zero: so it judges random data alone (distribution_info::scatters), never constant or
// adversarial cases.
#pragma once

#include "properties/arithmetic.hpp"
#include "properties/compare.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace assay::properties {

inline constexpr double k_false_alarm = 1e-7;  // of one test; a verdict holds two

// A function's stated error may be all to one side: replicates are drawn with functions that err at
// random, all high and all low, and whatever lies between is no bias.
enum class function_lean { random, high, low };

struct scatter_model {
  // Outputs [g * group, (g + 1) * group) come from one reduction and may share errors.
  std::int64_t group = 1;
  // Is the output the rounding to nearest of what the replicate's errors belong to? A tensor core's
  // accumulator that is stored as it is was cut, not rounded, and its error is all in the
  // replicate.
  bool rounds_last = true;
  bool calls_functions =
      true;  // false: there is nothing that could lean, one kind of replicate will do
  // One replicate: errors[i] is the model's result before its last rounding minus its exact result,
  // on inputs perturbed by the replicate's number (but for those that all elements share, of which
  // these errors hang on the last digits), with functions that err as `lean` says; NaN
  // where those inputs are outside the implementation's domain.
  std::function<void(std::uint64_t replicate, function_lean lean, std::span<double> errors)>
      replicate;
};

struct scatter_verdict {
  bool judged = false;  // false where nothing can scatter: every bound is zero, or out of domain
  double energy = 0, energy_limit = 0;
  double bias = 0, bias_limit = 0;  // bias: how far outside what the leans of functions explain
  bool passed() const {
    return !judged || (energy <= energy_limit && std::abs(bias) <= bias_limit);
  }
  std::string reason() const;  // empty where it passed
};

// `limits` are the running bounds before the last rounding of `got` (charge::everything). Elements
// whose bound is zero or infinite, or whose truth or output is not finite, are the strict bound's
// business and are passed over.
scatter_verdict judge_scatter(dtype type, std::span<const double> got, const truth& expected,
                              std::span<const double> limits, const scatter_model& model);

inline function_errors errors_leaning(function_lean lean, element_stream& stream) {
  if (lean == function_lean::random) return {&stream, 0};
  return {nullptr, lean == function_lean::high ? 1.0 : -1.0};
}

// x, a value of `type`, perturbed for a replicate: by up to 2^-8 of itself and rounded to `type`
// again. That moves every rounding of the model and leaves the problem, and the grid its inputs lie
// on, what they were. (The grid matters: two fp32 numbers of one binade lose a bit or nothing when
// added, which scatters more than a uniform error would; differences of bf16 scores are few, and so
// are the roundings of their exponentials.)
double perturbed(dtype type, double x, element_stream& stream);

}  // namespace assay::properties
