// Heads, residuals and what can be rounded from them.

#include "reference/enclosure.hpp"

#include "reference/mpfr_real.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

using e = enclosure<double>;

constexpr double k_tie = 1 + 0x1p-24;  // between 1 and 1 + 2^-23 in fp32

bool rounds_to(const e& enclosed, double expected, const format& f = k_fp32) {
  const auto rounded = round_if_certain(f, enclosed);
  return rounded && same(*rounded, expected);
}

TEST(enclosure, the_sign_of_the_residual_breaks_a_tie_however_small_it_is) {
  for (const double size : {0x1p-30, 0x1p-300, 0x1p-1000}) {
    EXPECT_TRUE(rounds_to({k_tie, size, size / 2}, 1 + 0x1p-23));
    EXPECT_TRUE(rounds_to({k_tie, -size, size / 2}, 1));
    EXPECT_TRUE(rounds_to({-k_tie, size, size / 2}, -1));
    EXPECT_TRUE(rounds_to({-k_tie, -size, size / 2}, -1 - 0x1p-23));
  }
}

TEST(enclosure, a_residual_that_may_be_zero_or_of_either_sign_leaves_a_tie_undecided) {
  EXPECT_EQ(round_if_certain(k_fp32, e{k_tie, 0x1p-300, 0x1p-299}), std::nullopt);
  EXPECT_EQ(round_if_certain(k_fp32, e{k_tie, 0, 0x1p-300}), std::nullopt);
  EXPECT_EQ(round_if_certain(k_fp32, e{0, -0x1p-300, 0x1p-299}), std::nullopt) << "-0 or +0?";
}

TEST(enclosure, an_error_as_large_as_the_residual_leaves_its_sign) {
  EXPECT_TRUE(rounds_to({k_tie, 0x1p-300, 0x1p-300}, 1 + 0x1p-23));
  EXPECT_TRUE(rounds_to({k_tie, -0x1p-300, 0x1p-300}, 1));
  EXPECT_TRUE(rounds_to({0, -0x1p-300, 0x1p-300}, -0.0));
  EXPECT_TRUE(rounds_to({0, 0x1p-300, 0x1p-300}, 0.0));
}

TEST(enclosure, both_ends_must_round_alike) {
  EXPECT_TRUE(rounds_to({1, 0x1p-26, 0x1p-27}, 1));
  EXPECT_EQ(round_if_certain(k_fp32, e{1, 0x1p-24, 0x1p-60}), std::nullopt);
  EXPECT_TRUE(rounds_to({1, 0x1p-24 + 0x1p-50, 0x1p-51}, 1 + 0x1p-23));
}

TEST(enclosure, exact_values_round_as_they_are) {
  EXPECT_TRUE(rounds_to(exactly(-0.0), -0.0));
  EXPECT_TRUE(rounds_to(exactly(0.0), 0.0));
  EXPECT_TRUE(rounds_to(exactly(k_tie), 1)) << "a true tie goes to even";
  EXPECT_TRUE(rounds_to({k_tie, 0x1p-200, 0}, 1 + 0x1p-23));
  EXPECT_TRUE(rounds_to(exactly(k_infinity), k_infinity));
  EXPECT_TRUE(rounds_to(exactly(k_nan), k_nan));
}

TEST(enclosure, nan_in_any_part_is_nan) {
  EXPECT_TRUE(rounds_to({k_nan, 1, 0x1p-40}, k_nan));
  EXPECT_TRUE(rounds_to({1, k_nan, k_nan}, k_nan));
  EXPECT_TRUE(std::isnan(to_double(e{1, k_nan, k_nan}).value));
  EXPECT_TRUE(std::isnan(to_double(e{1, k_nan, k_nan}).error));
}

TEST(enclosure, vanishing_residuals_keep_their_sign_under_any_factor) {
  for (const double factor :
       {1.0, -1.0, 0x1.8p100, -0x1.fffffep127, 0x1p-149, k_infinity, 0.0, -0.0}) {
    const double zero = std::signbit(factor) ? 0.0 : -0.0;
    const auto left = vanishing(0.0, -1).times(factor);
    EXPECT_TRUE(rounds_to(left, factor == k_infinity ? -k_infinity : zero)) << factor;
    const auto right = vanishing(1.0, 1).times(factor);
    EXPECT_TRUE(rounds_to(right, round(k_fp32, factor))) << factor;
  }
  EXPECT_TRUE(rounds_to(vanishing(k_tie, -1), 1));
  EXPECT_TRUE(rounds_to(vanishing(k_tie, 1), 1 + 0x1p-23));
}

TEST(enclosure, a_factor_scales_head_residual_and_error) {
  const auto scaled = e{0.5, 0x1p-10, 0x1p-50}.times(-3);
  EXPECT_EQ(scaled.head, -1.5);
  EXPECT_EQ(scaled.tail, -0x3p-10);
  EXPECT_GE(scaled.error, 0x3p-50);
  EXPECT_LE(scaled.error, 0x3.1p-50);
}

TEST(enclosure, a_factor_of_zero_or_infinity_needs_the_sign) {
  const e around_zero{0, 0x1p-60, 0x1p-50};
  EXPECT_EQ(round_if_certain(k_fp32, around_zero.times(0)), std::nullopt);
  EXPECT_EQ(round_if_certain(k_fp32, around_zero.times(k_infinity)), std::nullopt);
  const e negative{1, -3, 0x1p-50};
  EXPECT_TRUE(rounds_to(negative.times(0), -0.0));
  EXPECT_TRUE(rounds_to(negative.times(k_infinity), -k_infinity));
  EXPECT_TRUE(rounds_to(negative.times(-k_infinity), k_infinity));
  EXPECT_TRUE(rounds_to(negative.times(k_nan), k_nan));
}

TEST(enclosure, the_double_and_its_error_cover_the_truth) {
  // 1/3 + 2^-60 +- 2^-70, enclosed in 200 bits.
  using wide = mpfr_real<200>;
  const wide third = wide(1) / wide(3);
  const enclosure<wide> enclosed{third, wide(0x1p-60), wide(0x1p-70)};
  const auto [value, error] = to_double(enclosed);
  EXPECT_EQ(value, 1.0 / 3);
  EXPECT_GE(wide(error), magnitude(wide(wide(value) - enclosed.value())) + wide(0x1p-70));
  EXPECT_LE(error, 0x1p-53);
  EXPECT_EQ(to_double(exactly(0.1)).error, 0) << "an exact double";
  EXPECT_GT(to_double(e{1, 0x1p-60, 0}).error, 0x1p-60) << "an exact sum that is no double";
}

TEST(enclosure, overflows_as_the_format_does) {
  EXPECT_TRUE(rounds_to(vanishing(65519.0, -1), 65504, k_fp16));
  EXPECT_TRUE(rounds_to(vanishing(65520.0, -1), 65504, k_fp16))
      << "just below the tie with infinity";
  EXPECT_TRUE(rounds_to(vanishing(65520.0, 1), k_infinity, k_fp16));
}

}  // namespace
}  // namespace assay::reference
