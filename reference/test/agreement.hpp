// The independent engines held against each other: one function, many inputs, every output format.
//
//   R0        correctly_rounded, as everybody calls it, and the error it states for its double
//   R1        the same source in real50, with our erfc and Boost's exp
//   R2        the same source in MPFR at 200 bits, with MPFR's functions
//   proof     the textbook formula, another source, in MPFI intervals wide enough to decide
#pragma once

#include "reference/elementwise.hpp"
#include "reference/interval.hpp"
#include "reference/mpfr_real.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <ios>
#include <optional>
#include <span>
#include <vector>

namespace assay::reference::test {

/// The textbook formula at 64, 256 and 1,600 bits: near zero 1 + erf(x) and the like need all the
/// bits of x^2 (300 for fp32's smallest), on the far left as many as lie between 1 and the answer.
template <class Textbook>
class proof {
 public:
  proof(Textbook formula, double x) : formula_(formula), x_(x), narrow_(formula(interval<64>(x))) {}

  /// The value of f that all of the interval rounds to.
  std::optional<double> rounded(const format& f) {
    if (const auto result = decided(f, narrow_)) return result;
    if (!medium_) medium_.emplace(formula_(interval<256>(x_)));
    if (const auto result = decided(f, *medium_)) return result;
    if (!wide_) wide_.emplace(formula_(interval<1600>(x_)));
    return decided(f, *wide_);
  }

 private:
  /// Far on the left no affordable precision tells 1 + erf from a density 2^-700000 times smaller,
  /// and an interval of numbers that all vanish has both signs. Ours is that of x: x Phi(x) and its
  /// like have it, and derivatives are negative left of their only zero. (Up to -20 the 1,600 bits
  /// tell.)
  template <int Bits>
  std::optional<double> decided(const format& f, const interval<Bits>& y) const {
    const double low = round(f, y.low());
    const double high = round(f, y.high());
    if (low == 0 && high == 0 && x_ < -20) return -0.0;
    return same(low, high) ? std::optional(low) : std::nullopt;
  }

  Textbook formula_;
  double x_;
  interval<64> narrow_;
  std::optional<interval<256>> medium_;
  std::optional<interval<1600>> wide_;
};

/// Did this engine settle on that very value, the sign of zero included?
inline bool gave(const std::optional<double>& rounded, double expected) {
  return rounded && same(*rounded, expected);
}

/// Fails at the first input, other than zeros, infinities and NaN, on which two engines differ in
/// any of the formats, or R0 is farther from R1 than it says. Returns how many it compared.
/// `evaluate` and `textbook` include the factor; R2 takes every nth input (its erfc is slow).
template <class Evaluate, class Textbook>
std::size_t compare(const elementwise& function, std::span<const double> inputs,
                    std::span<const format> formats, Evaluate evaluate, Textbook textbook,
                    double factor = 1, std::size_t r2_every = 1) {
  std::size_t compared = 0;
  for (const double x : inputs) {
    if (!is_finite(x) || x == 0) continue;
    const auto r1 = evaluate(real50(x));
    std::optional<enclosure<mpfr_real<200>>> r2;
    if (compared % r2_every == 0) r2 = evaluate(mpfr_real<200>(x));
    proof proved(textbook, x);
    const auto is_within = [&](double value, double error) {
      return magnitude(real50(real50(value) - r1.value())) <= real50(error) + magnitude(r1.error);
    };
    const approximation r0 = approximate(function, x, factor);
    EXPECT_TRUE(is_within(r0.value, r0.error));
    for (const format& f : formats) {
      const truth result = truth_of(function, f, x, factor);
      EXPECT_TRUE(same(correctly_rounded(function, f, x, factor), result.rounded));
      EXPECT_TRUE(gave(round_if_certain(f, r1), result.rounded)) << "R1, p = " << f.precision;
      EXPECT_TRUE(!r2 || gave(round_if_certain(f, *r2), result.rounded))
          << "R2, p = " << f.precision;
      EXPECT_TRUE(gave(proved.rounded(f), result.rounded)) << "proof, p = " << f.precision;
      EXPECT_TRUE((result.value == r0.value && result.error == r0.error) ||
                  is_within(result.value, result.error));
      EXPECT_LE(result.error, k_truth_resolution * ulp(f, result.value)) << "as truth_of promises";
    }
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << function.name << " at " << std::hexfloat << x;
      return compared;
    }
    ++compared;
  }
  return compared;
}

/// All of bf16 and all of fp16 and a sample of fp32, each to its own format; and values of fp32 at
/// and around the midpoints of bf16 and fp16, to all three.
template <class Evaluate, class Textbook>
void check_agreement(const elementwise& function, Evaluate evaluate, Textbook textbook) {
  constexpr format k_all[] = {k_fp32, k_bf16, k_fp16};
  for (const format& f : {k_bf16, k_fp16}) {
    // Not compared: two zeros, two infinities, the NaNs.
    const std::size_t finite = std::size_t(2 * encode(f, k_infinity)) - 2;
    EXPECT_EQ(compare(function, all_values(f), std::span(&f, 1), evaluate, textbook), finite);
    if (::testing::Test::HasFailure()) return;
  }
  const auto sample = fp32_sample();
  EXPECT_GE(compare(function, sample, std::span(k_all, 1), evaluate, textbook, 1, 5), 100000u);
  EXPECT_GE(compare(function, midpoint_sample(), k_all, evaluate, textbook), 5000u);
}

}  // namespace assay::reference::test
