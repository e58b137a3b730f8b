// Identities of the activations, in R1: every bound is the sum of the errors that the enclosures
// state, or is derived where it stands.

#include "reference/gelu.hpp"
#include "reference/mish.hpp"
#include "reference/real50.hpp"
#include "reference/silu.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::reference {
namespace {

using test::generator;

// Both signs, 2^-100 to 40.
std::vector<real50> points(int n) {
  generator random(51);
  std::vector<real50> result;
  for (int i = 0; i < n; ++i) {
    result.emplace_back(random.with_exponent(-100, 4));
    result.emplace_back(random.uniform(-40, 40));
  }
  return result;
}

// Rounding of a sum of a few terms of this size.
real50 rounding_of(const real50& size) {
  return real50(8 * k_unit_roundoff<real50>) * magnitude(size);
}

template <class F>
void check_reflection(F f) {
  for (const real50& x : points(300)) {
    const auto plus = f(x);
    const auto minus = f(real50(-x));
    ASSERT_LE(magnitude(real50(plus.value() - minus.value() - x)),
              plus.error + minus.error + rounding_of(x))
        << x;
  }
}

TEST(activations, gelu_and_silu_of_x_less_those_of_minus_x_are_x) {
  check_reflection(gelu_erf_forward{});
  check_reflection(gelu_tanh_forward{});
  check_reflection(silu_forward{});
}

template <class F>
void check_slopes_add_up_to_one(F f) {
  for (const real50& x : points(300)) {
    const auto plus = f(x);
    const auto minus = f(real50(-x));
    ASSERT_LE(magnitude(real50(plus.value() + minus.value() - 1)),
              plus.error + minus.error + rounding_of(1))
        << x;
  }
  EXPECT_EQ(f(real50(0)).value(), real50(0.5));
}

TEST(activations, their_derivatives_at_x_and_minus_x_add_up_to_one) {
  check_slopes_add_up_to_one(gelu_erf_slope{});
  check_slopes_add_up_to_one(gelu_tanh_slope{});
  check_slopes_add_up_to_one(silu_slope{});
}

// (f(x + h) - f(x - h)) / 2h differs from f'(x) by h^2/6 |f'''|, at most h^2/6 since |f'''| < 1 for
// all four functions (largest: 0.7787, gelu.erf at 0, where f'''(x) = (x^3 - 4x) phi(x) peaks at
// 0.742; the others 0.777, 0.309, 0.589), and by the errors of f over h. With h = 2^-50 either is
// near 2^-103.
template <class F, class Slope>
void check_derivative(F f, Slope slope) {
  const real50 h(0x1p-50);
  for (const real50& x : points(300)) {
    const auto right = f(real50(x + h));
    const auto left = f(real50(x - h));
    const auto expected = slope(x);
    const real50 quotient = (right.value() - left.value()) / (2 * h);
    const real50 size = magnitude(right.value()) + magnitude(left.value()) + magnitude(x);
    const real50 bound =
        h * h / 6 + (right.error + left.error + rounding_of(size)) / (2 * h) + expected.error;
    ASSERT_LE(bound, real50(0x1p-90)) << "a bound that proves nothing";
    ASSERT_LE(magnitude(real50(quotient - expected.value())), bound) << x;
  }
}

TEST(activations, derivatives_are_limits_of_difference_quotients) {
  check_derivative(gelu_erf_forward{}, gelu_erf_slope{});
  check_derivative(gelu_tanh_forward{}, gelu_tanh_slope{});
  check_derivative(silu_forward{}, silu_slope{});
  check_derivative(mish_forward{}, mish_slope{});
}

TEST(activations, the_second_derivative_of_gelu_is_too) {
  // |gelu''''| = |x^4 - 7x^2 + 4| phi(x) < 2, so h^2/6 2.
  const real50 h(0x1p-50);
  for (const real50& x : points(300)) {
    const auto right = gelu_erf_slope{}(real50(x + h));
    const auto left = gelu_erf_slope{}(real50(x - h));
    const real50 quotient = (right.value() - left.value()) / (2 * h);
    const real50 bound = h * h / 3 + (right.error + left.error + rounding_of(1)) / (2 * h);
    ASSERT_LE(magnitude(real50(quotient - gelu_erf_second_derivative(x))), bound) << x;
  }
}

// The point where f changes sign in [low, high], to 45 digits.
template <class F>
real50 zero_of(F f, real50 low, real50 high) {
  EXPECT_LT(f(low), 0);
  EXPECT_GT(f(high), 0);
  for (int i = 0; i < 150; ++i) {
    const real50 middle = (low + high) / 2;
    (f(middle) < 0 ? low : high) = middle;
  }
  return low;
}

// Does x agree with these digits, the last one cut or rounded?
void expect_digits(const real50& x, const char* digits, double last_place) {
  EXPECT_LE(magnitude(real50(x - real50(digits))), real50(last_place)) << x.str(30);
}

// Expected values: mpmath 1.2.1, findroot of diff at 40 digits.
TEST(activations, each_has_its_one_minimum_where_it_should) {
  const real50 gelu = zero_of(gelu_erf_derivative<real50>, -1, 0);
  expect_digits(gelu, "-0.75179152469356445745790494678", 1e-29);
  expect_digits(gelu_erf(gelu), "-0.169971207479903661693868470982", 1e-30);
  const real50 tanh = zero_of(gelu_tanh_derivative<real50>, -1, 0);
  expect_digits(tanh, "-0.752461422071016258487954443289", 1e-30);
  expect_digits(gelu_tanh(tanh), "-0.170040750571254050639067427988", 1e-30);
  const real50 silu_zero = zero_of(silu_derivative<real50>, -2, 0);
  expect_digits(silu_zero, "-1.27846454276107379510935873902", 1e-29);
  expect_digits(silu(silu_zero), "-0.278464542761073795109358739023", 1e-30);
  const real50 mish_zero = zero_of(mish_derivative<real50>, -2, 0);
  expect_digits(mish_zero, "-1.19243121451549521213758834042", 1e-29);
  expect_digits(mish(mish_zero), "-0.308843413017250406628760229042", 1e-30);
}

template <class F>
void check_sign_of_slope(F slope, double zero) {
  for (const real50& x : points(500)) {
    if (magnitude(real50(x - zero)) < real50(1e-9)) continue;
    ASSERT_EQ(slope(x) > 0, x > zero) << x;
  }
}

TEST(activations, they_fall_before_the_minimum_and_rise_after_it) {
  check_sign_of_slope(gelu_erf_derivative<real50>, -0.75179152469356446);
  check_sign_of_slope(gelu_tanh_derivative<real50>, -0.75246142207101626);
  check_sign_of_slope(silu_derivative<real50>, -1.2784645427610738);
  check_sign_of_slope(mish_derivative<real50>, -1.1924312145154952);
}

TEST(activations, the_slope_of_gelu_is_least_at_minus_the_root_of_two) {
  const real50 root = special<real50>::sqrt(real50(2));
  expect_digits(gelu_erf_derivative(real50(-root)), "-0.12890414518515478634", 1e-20);
  EXPECT_LE(magnitude(gelu_erf_second_derivative(root)), real50(4 * special<real50>::k_error));
}

TEST(activations, the_tanh_form_is_within_5e_4_and_where_it_is_farthest) {
  const auto gap = [](const real50& x) { return real50(gelu_tanh(x) - gelu_erf(x)); };
  const auto slope = [](const real50& x) {
    return real50(gelu_tanh_derivative(x) - gelu_erf_derivative(x));
  };
  // One zero of its slope for each bump; the largest gap is the last bump's.
  const real50 farthest = zero_of([&](const real50& x) { return real50(-slope(x)); }, 2, 4);
  expect_digits(farthest, "2.6989413863772703005", 1e-19);
  expect_digits(magnitude(gap(farthest)), "0.00047323552068728487711", 1e-23);
  for (int i = -8000; i <= 8000; ++i) {
    ASSERT_LE(magnitude(gap(real50(i) / 1000)), magnitude(gap(farthest))) << i;
  }
}

TEST(activations, silu_and_mish_on_the_left_are_x_times_e_to_the_x) {
  // silu / (x n) = 1 / (1 + n) and mish / (x n) = (n + 2) / (n^2 + 2n + 2), n = e^x: both differ
  // from 1 by less than n.
  for (const real50& x : points(300)) {
    if (x > -1) continue;
    const real50 n = special<real50>::exp(x);
    const real50 slack = n + real50(4 * special<real50>::k_error);
    ASSERT_LE(magnitude(real50(silu(x) / (x * n) - 1)), slack) << x;
    ASSERT_LE(magnitude(real50(mish(x) / (x * n) - 1)), slack) << x;
  }
}

TEST(activations, silu_and_mish_on_the_right_fall_short_of_x_by_what_they_should) {
  // x - silu = x m / (1 + m) and x - mish = 2 x m^2 / (1 + 2m + 2m^2), m = e^-x: within a factor 1
  // - m and 1 - 4m of x m and 2 x m^2.
  for (const real50& x : points(300)) {
    if (x < 1) continue;
    const real50 m = special<real50>::exp(real50(-x));
    const auto near = [&](const real50& short_of, const real50& leading, const real50& relative) {
      // What is subtracted from x is known to the rounding of x.
      return magnitude(real50(short_of / leading - 1)) <= relative + rounding_of(x) / leading;
    };
    const real50 slack(4 * special<real50>::k_error);
    ASSERT_TRUE(near(real50(x - silu(x)), real50(x * m), real50(m + slack))) << x;
    ASSERT_TRUE(near(real50(x - mish(x)), real50(2 * x * m * m), real50(4 * m + slack))) << x;
  }
}

TEST(activations, gelu_of_alpha_x_and_its_derivatives) {
  generator random(52);
  for (int i = 0; i < 300; ++i) {
    const real50 x(random.uniform(-5, 5));
    const real50 alpha(random.uniform(-3, 3));
    const real50 z = alpha * x;
    EXPECT_EQ(gelu_scaled_forward{}(x, alpha).value(), gelu_erf(z));
    EXPECT_EQ(gelu_scaled_forward{}(x, real50(1)).value(), gelu_erf(x));
    const auto in_x = gelu_scaled_slope{}(x, alpha);
    const auto in_alpha = gelu_scaled_slope_in_alpha{}(x, alpha);
    ASSERT_LE(magnitude(real50(in_x.value() - alpha * gelu_erf_derivative(z))),
              in_x.error + rounding_of(4));
    ASSERT_LE(magnitude(real50(in_alpha.value() - x * gelu_erf_derivative(z))),
              in_alpha.error + rounding_of(8));
  }
}

TEST(activations, relative_accuracy_survives_in_the_tails) {
  // In double, where the naive forms have lost every digit, the stated error is below 2^-38 of the
  // value.
  for (const double x : {-5.5, -10.0, -14.0, -20.0, -26.0}) {
    for (const auto& f : {k_gelu_erf, k_gelu_erf_derivative, k_silu, k_silu_derivative, k_mish,
                          k_mish_derivative}) {
      const auto [value, error] = approximate(f, x);
      EXPECT_LE(error, 0x1p-38 * std::abs(value)) << f.name << " at " << x;
    }
  }
  // normal_error at x = -26: 2^-48 + 2^-53 (5 676 + 16) = 2^-41.1, and 2^-38 is three bits more.
}

}  // namespace
}  // namespace assay::reference
