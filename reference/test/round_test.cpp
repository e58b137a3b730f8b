// Rounding against hand cases, and against MPFR's own rounding with its exponent range narrowed.

#include "reference/round.hpp"

#include "reference/encoding.hpp"
#include "reference/mpfr_real.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bit>

namespace assay::reference {
namespace {

using test::generator;

constexpr format k_formats[] = {k_fp32, k_bf16, k_fp16};

// MPFR as a judge: x to p bits, the result brought into f's range of exponents (MPFR's significands
// are in [1/2, 1), so its exponents are one more), then mpfr_subnormalize, its emulation of
// subnormals.
double rounded_by_mpfr(const format& f, mpfr_srcptr x) {
  const auto emin = mpfr_get_emin();
  const auto emax = mpfr_get_emax();
  mpfr_t y;
  mpfr_init2(y, f.precision);
  const int inexact = mpfr_set(y, x, MPFR_RNDN);
  mpfr_set_emin(f.e_min - f.precision + 2);
  mpfr_set_emax(f.e_max + 1);
  mpfr_subnormalize(y, mpfr_check_range(y, inexact, MPFR_RNDN), MPFR_RNDN);
  mpfr_set_emin(emin);
  mpfr_set_emax(emax);
  const double result = mpfr_get_d(y, MPFR_RNDN);
  mpfr_clear(y);
  return result;
}

// A double on, or very near, a midpoint of f or a value of f; any range of f and around it.
double near_a_boundary(generator& random, const format& f) {
  const double x = random.with_exponent(f.e_min - f.precision - 3, f.e_max + 1);
  const double y = round(f, x);
  if (std::abs(y) == k_infinity) return x;
  const double midpoint = (y + next_up(f, std::abs(y)) * (y < 0 ? -1 : 1)) / 2;
  switch (random.below(5)) {
    case 0:
      return midpoint;
    case 1:
      return std::nextafter(midpoint, k_infinity);
    case 2:
      return std::nextafter(midpoint, -k_infinity);
    case 3:
      return y;
    default:
      return x;
  }
}

TEST(round, agrees_with_mpfr_on_doubles) {
  generator random(21);
  for (const format& f : {k_fp32, k_bf16, k_fp16, k_fp64}) {
    for (int i = 0; i < 100000; ++i) {
      const double x =
          f.precision == 53 ? std::bit_cast<double>(random.bits()) : near_a_boundary(random, f);
      if (!is_finite(x)) continue;
      const mpfr_real<53> wide(x);
      ASSERT_TRUE(same(round(f, x), rounded_by_mpfr(f, wide.get()))) << std::hexfloat << x;
    }
  }
}

TEST(round, agrees_with_mpfr_on_mpfr_values) {
  generator random(22);
  using wide = mpfr_real<200>;
  for (const format& f : {k_fp32, k_bf16, k_fp16, k_fp64}) {
    for (int i = 0; i < 50000; ++i) {
      const format& near = f.precision == 53 ? k_fp32 : f;
      const double centre = near_a_boundary(random, near);
      const wide x = wide(centre) + wide(centre * random.uniform(-1, 1)) *
                                        wide(power_of_two(-int(random.below(140))));
      ASSERT_TRUE(same(round(f, x), rounded_by_mpfr(f, x.get()))) << std::hexfloat << centre;
    }
  }
}

TEST(round, agrees_with_mpfr_on_r1_values) {
  generator random(23);
  using wide = mpfr_real<200>;
  for (const format& f : {k_fp32, k_bf16, k_fp16, k_fp64}) {
    for (int i = 0; i < 20000; ++i) {
      const format& near = f.precision == 53 ? k_fp32 : f;
      const double centre = near_a_boundary(random, near);
      const double small = centre * random.uniform(-1, 1);
      const double scale = power_of_two(-int(random.below(60)));
      const real50 x = real50(centre) + real50(small) * real50(scale);
      const wide same_x = wide(centre) + wide(small) * wide(scale);
      ASSERT_TRUE(same(round(f, x), rounded_by_mpfr(f, same_x.get()))) << std::hexfloat << centre;
    }
  }
}

TEST(round, agrees_with_the_hardware_on_fp32) {
  generator random(24);
  for (int i = 0; i < 100000; ++i) {
    const double x = near_a_boundary(random, k_fp32);
    ASSERT_TRUE(same(round(k_fp32, x), double(float(x)))) << std::hexfloat << x;
  }
}

TEST(round, hand_cases) {
  const auto is = [](const format& f, double x, double y) {
    EXPECT_TRUE(same(round(f, x), y)) << std::hexfloat << x << " gave " << round(f, x);
  };
  for (const format& f : k_formats) {
    is(f, 0.0, 0.0);
    is(f, -0.0, -0.0);
    is(f, k_infinity, k_infinity);
    is(f, -k_infinity, -k_infinity);
    is(f, k_nan, k_nan);
    is(f, 0x1p-1074, 0.0);
    is(f, -0x1p-1074, -0.0);
    is(f, 0x1p1023, k_infinity);
    is(f, -0x1p1023, -k_infinity);
    is(f, max_finite(f), max_finite(f));
    is(f, min_subnormal(f), min_subnormal(f));
    is(f, min_subnormal(f) / 2, 0.0);  // a tie, to even
    is(f, -min_subnormal(f) / 2, -0.0);
    is(f, min_subnormal(f) * (0.5 + 0x1p-53), min_subnormal(f));
    is(f, min_subnormal(f) * 1.5, min_subnormal(f) * 2);
  }
  is(k_fp16, 65504, 65504);
  is(k_fp16, 65519.99, 65504);
  is(k_fp16, 65520, k_infinity);
  is(k_fp16, 2049, 2048);
  is(k_fp16, 2051, 2052);
  is(k_fp16, 0x1.ffcp-15 + 0x1p-26, 0x1p-14);  // halfway to the smallest normal number, to even
  is(k_bf16, 257, 256);
  is(k_bf16, 259, 260);
  is(k_bf16, 0x1.ffp127, k_infinity);
  is(k_bf16, 0x1.feffffffp127, 0x1.fep127);
  is(k_fp32, 0x1.000001p0, 1);
  is(k_fp32, 0x1.0000010000001p0, 0x1.000002p0);
  is(k_fp32, 0x1.ffffffp127, k_infinity);
  is(k_fp64, 0.1, 0.1);
}

TEST(round, extremes_of_the_formats) {
  EXPECT_EQ(max_finite(k_fp32), 0x1.fffffep127);
  EXPECT_EQ(max_finite(k_bf16), 0x1.fep127);
  EXPECT_EQ(max_finite(k_fp16), 65504);
  EXPECT_EQ(max_finite(k_fp64), std::numeric_limits<double>::max());
  EXPECT_EQ(min_subnormal(k_fp32), 0x1p-149);
  EXPECT_EQ(min_subnormal(k_bf16), 0x1p-133);
  EXPECT_EQ(min_subnormal(k_fp16), 0x1p-24);
  EXPECT_EQ(min_subnormal(k_fp64), 0x1p-1074);
}

TEST(ulp, is_the_distance_between_neighbours) {
  EXPECT_EQ(ulp(k_fp32, 1), 0x1p-23);
  EXPECT_EQ(ulp(k_fp32, -1.99), 0x1p-23);
  EXPECT_EQ(ulp(k_fp32, 2), 0x1p-22);
  EXPECT_EQ(ulp(k_fp32, 0), 0x1p-149);
  EXPECT_EQ(ulp(k_fp32, 0x1p-1000), 0x1p-149);
  EXPECT_EQ(ulp(k_fp16, 0x1p-14), 0x1p-24);
  EXPECT_EQ(ulp(k_fp16, 65504), 32);
  EXPECT_EQ(ulp(k_fp16, 0x1.8p20), 0x1p10) << "of the binade, though fp16 has no such number";
  EXPECT_EQ(ulp(k_bf16, k_infinity), 0x1p120);
  EXPECT_EQ(ulp(k_fp64, 1), 0x1p-52);
  EXPECT_EQ(half_ulp(k_bf16, 1), 0x1p-8);
  EXPECT_TRUE(std::isnan(ulp(k_fp32, k_nan)));
}

TEST(encoding, decoding_is_its_inverse_on_all_16_bit_patterns) {
  for (const format& f : {k_bf16, k_fp16}) {
    EXPECT_EQ(width(f), 16);
    for (std::uint64_t pattern = 0; pattern < 0x10000; ++pattern) {
      const double x = decode(f, pattern);
      if (!is_nan(x)) {
        ASSERT_EQ(encode(f, x), pattern);
      }
      ASSERT_TRUE(same(round(f, x), x));
    }
  }
  EXPECT_EQ(encode(k_fp16, k_nan), 0x7e00u);
  EXPECT_EQ(encode(k_bf16, k_nan), 0x7fc0u);
}

TEST(encoding, fp32_and_fp64_patterns_are_the_hardwares) {
  EXPECT_EQ(width(k_fp32), 32);
  EXPECT_EQ(width(k_fp64), 64);
  generator random(25);
  for (int i = 0; i < 100000; ++i) {
    const auto pattern = std::uint32_t(random.bits());
    const double x = double(std::bit_cast<float>(pattern));
    ASSERT_TRUE(same(decode(k_fp32, pattern), x)) << pattern;
    if (!is_nan(x)) {
      ASSERT_EQ(encode(k_fp32, x), pattern);
    }
    const std::uint64_t wide = random.bits();
    ASSERT_TRUE(same(decode(k_fp64, wide), std::bit_cast<double>(wide))) << wide;
    if (std::bit_cast<double>(wide) == std::bit_cast<double>(wide)) {
      ASSERT_EQ(encode(k_fp64, std::bit_cast<double>(wide)), wide);
    }
  }
}

TEST(neighbours, are_the_patterns_next_to_it) {
  for (const format& f : {k_bf16, k_fp16}) {
    const std::uint64_t infinity = encode(f, k_infinity);
    for (std::uint64_t pattern = 0; pattern < infinity; ++pattern) {
      const double x = decode(f, pattern);
      const double above = decode(f, pattern + 1);
      ASSERT_TRUE(same(next_up(f, x), above)) << x;
      ASSERT_EQ(next_down(f, above), x) << above;
      ASSERT_TRUE(same(next_down(f, -x), -above)) << x;
      ASSERT_EQ(next_up(f, -above), -x) << above;
    }
    EXPECT_EQ(next_up(f, -0.0), min_subnormal(f));
    EXPECT_EQ(next_down(f, 0.0), -min_subnormal(f));
    EXPECT_EQ(next_up(f, k_infinity), k_infinity);
    EXPECT_TRUE(std::isnan(next_up(f, k_nan)));
  }
}

TEST(preimage, holds_exactly_what_rounds_to_the_value) {
  for (const format& f : {k_bf16, k_fp16}) {
    for (const double y : test::all_values(f)) {
      if (is_nan(y)) continue;
      const auto [lo, hi, closed] = rounding_preimage(f, y);
      const double just_inside_lo = std::nextafter(lo, k_infinity);
      const double just_inside_hi = std::nextafter(hi, -k_infinity);
      if (std::abs(y) != k_infinity && y != 0) {
        ASSERT_TRUE(same(round(f, just_inside_lo), y)) << y;
        ASSERT_TRUE(same(round(f, just_inside_hi), y)) << y;
        ASSERT_NE(round(f, std::nextafter(lo, -k_infinity)), y) << y;
        ASSERT_NE(round(f, std::nextafter(hi, k_infinity)), y) << y;
      }
      ASSERT_EQ(same(round(f, lo), y), closed) << y;
      ASSERT_EQ(same(round(f, hi), y), closed) << y;
    }
  }
  const auto zero = rounding_preimage(k_fp16, -0.0);
  EXPECT_TRUE(same(zero.lo, -0x1p-25) && same(zero.hi, -0.0));
  const auto overflow = rounding_preimage(k_fp16, k_infinity);
  EXPECT_TRUE(overflow.lo == 65520 && overflow.hi == k_infinity && overflow.closed);
}

RC_GTEST_PROP(round, is_monotonic_and_odd, ()) {
  generator random(*rc::gen::arbitrary<std::uint64_t>());
  for (const format& f : k_formats) {
    const double a = near_a_boundary(random, f);
    const double b = near_a_boundary(random, f);
    RC_ASSERT((a <= b) <= (round(f, a) <= round(f, b)));
    RC_ASSERT(same(round(f, -a), -round(f, a)));
    RC_ASSERT(same(round(f, round(f, a)), round(f, a)));
  }
}

TEST(odd_sum, breaks_ties_by_a_part_too_small_to_be_added) {
  const double tie = 1 + 0x1p-24;
  EXPECT_EQ(round(k_fp32, odd_sum(tie, 0.0)), 1);
  EXPECT_EQ(round(k_fp32, odd_sum(tie, 0x1p-1000)), 1 + 0x1p-23);
  EXPECT_EQ(round(k_fp32, odd_sum(tie, -0x1p-1000)), 1);
  const double odd_tie = 1 + 0x3p-24;
  EXPECT_EQ(round(k_fp32, odd_sum(odd_tie, -0x1p-1000)), 1 + 0x1p-23);
  EXPECT_EQ(round(k_fp32, odd_sum(odd_tie, 0x1p-1000)), 1 + 0x1p-22);
  EXPECT_EQ(round(k_fp32, odd_sum(-tie, -0x1p-1000)), -(1 + 0x1p-23));
  EXPECT_TRUE(same(odd_sum(0.0, -0x1p-1074), -0x1p-1074));
  EXPECT_TRUE(same(odd_sum(-0.0, -0.0), -0.0));
}

TEST(ziv, is_certain_exactly_when_the_interval_misses_the_midpoints) {
  const double midpoint = 1 + 0x1p-24;
  EXPECT_EQ(round_if_certain(k_fp32, 1, 0x1p-26), 1);
  EXPECT_EQ(round_if_certain(k_fp32, midpoint, 0x1p-60), std::nullopt);
  EXPECT_EQ(round_if_certain(k_fp32, midpoint + 0x1p-50, 0x1p-51), 1 + 0x1p-23);
  EXPECT_EQ(round_if_certain(k_fp32, midpoint + 0x1p-50, 0x1p-49), std::nullopt);
  EXPECT_EQ(round_if_certain(k_fp32, midpoint - 0x1p-50, 0x1p-51), 1);
  EXPECT_EQ(round_if_certain(k_fp32, 0, 0x1p-160), std::nullopt) << "the sign of zero is not known";
}

}  // namespace
}  // namespace assay::reference
