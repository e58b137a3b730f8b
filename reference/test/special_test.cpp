// The special functions: R0's stated error against R1, R1's against MPFR at 400 bits.

#include "reference/special.hpp"

#include "reference/erfc_table.hpp"
#include "reference/mpfr_real.hpp"
#include "reference/real50.hpp"
#include "reference/round.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::reference {
namespace {

using test::generator;
using wide = mpfr_real<400>;

// Exact: 168 bits in four doubles, the exponent apart so that none of them underflows.
wide exactly_in_400_bits(const real50& x) {
  int exponent = 0;
  real50 rest = frexp(x, &exponent);
  wide result(0.0);
  while (rest != 0) {
    const double part = static_cast<double>(rest);
    result = result + wide(part);
    rest -= part;
  }
  mpfr_mul_2si(result.get(), result.get(), exponent, MPFR_RNDN);
  return result;
}

// n arguments of both signs, exponents uniform from `low` on, sizes at most `size`; and as many
// uniform in [-size, size].
std::vector<double> arguments(int n, int low, double size) {
  generator random(31);
  std::vector<double> result;
  while (int(result.size()) < n) {
    const double x = random.with_exponent(low, exponent(size));
    if (std::abs(x) <= size) result.push_back(x);
    result.push_back(random.uniform(-size, size));
  }
  return result;
}

// Every R is compared in a tier of at least three times the digits, so its own error is nothing.
template <class R>
struct judge;
template <>
struct judge<double> {
  using type = real50;
  static real50 widened(double x) { return real50(x); }
};
template <>
struct judge<real50> {
  using type = wide;
  static wide widened(const real50& x) { return exactly_in_400_bits(x); }
};

// Largest relative error of f on the arguments in [low, high].
template <class R, class Function, class Truth>
double largest_error(const std::vector<double>& x, double low, double high, Function f,
                     Truth truth) {
  using J = typename judge<R>::type;
  double largest = 0;
  for (const double t : x) {
    if (!(low <= t && t <= high)) continue;
    const J y = truth(J(t));
    const double error = static_cast<double>(magnitude(J((judge<R>::widened(f(R(t))) - y) / y)));
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

// Each function on all arguments where its value is a normal double: e^-708 = 2^-1021.4;
// erfc(26.54) = 2^-1021.6. An error of zero would mean that nothing was compared.
template <class R>
void check_all(int n, int low) {
  using f = special<R>;
  using truth = special<typename judge<R>::type>;
  const auto good = [](double error) { return 0 < error && error <= special<R>::k_error; };
  const auto far = arguments(n, low, 708);
  const auto near = arguments(n, low, 30);
  EXPECT_PRED1(good, largest_error<R>(far, -708, 708, f::exp, truth::exp));
  EXPECT_PRED1(good, largest_error<R>(far, -708, 708, f::expm1, truth::expm1));
  EXPECT_PRED1(good, largest_error<R>(near, 0x1p-100, 30, f::log, truth::log));
  EXPECT_PRED1(good, largest_error<R>(near, -0.999, 30, f::log1p, truth::log1p));
  EXPECT_PRED1(good, largest_error<R>(near, 0, 30, f::sqrt, truth::sqrt));
  EXPECT_PRED1(good, largest_error<R>(near, -30, 30, f::tanh, truth::tanh));
  EXPECT_PRED1(good, largest_error<R>(near, -30, 30, f::erf, truth::erf));
  EXPECT_PRED1(good, largest_error<R>(near, -30, 26.54, f::erfc, truth::erfc));
}

// Angles far beyond a turn, and next to multiples of pi/2, where sine or cosine is next to nothing.
std::vector<double> angles() {
  std::vector<double> all = arguments(20000, -60, 0x1p30);
  for (int k = 1; k < 20000; k += 7) {
    const double multiple = k * 0x1.921fb54442d18p0;
    for (const double x : {std::nextafter(multiple, 0.0), multiple}) all.push_back(x);
  }
  return all;
}

TEST(special, the_c_library_keeps_the_error_stated_for_it) { check_all<double>(30000, -120); }

TEST(special, r1_keeps_the_error_stated_for_it) { check_all<real50>(1500, -120); }

TEST(special, the_c_library_keeps_the_error_stated_for_sine_and_cosine) {
  const auto good = [](double error) { return 0 < error && error <= special<double>::k_error; };
  const auto against = [](auto of_double, auto of_mpfr) {
    double largest = 0;
    for (const double x : angles()) {
      const wide y = of_mpfr(wide(x));
      largest =
          std::max(largest, static_cast<double>(magnitude(wide((wide(of_double(x)) - y) / y))));
    }
    return largest;
  };
  EXPECT_PRED1(good, against(special<double>::sin, special<wide>::sin));
  EXPECT_PRED1(good, against(special<double>::cos, special<wide>::cos));
}

TEST(special, r1_keeps_the_absolute_error_stated_for_sine_and_cosine) {
  double largest = 0;
  for (const double x : angles()) {
    const double allowed = special<real50>::k_error * (1 + std::abs(x));
    const auto share = [&](const real50& got, const wide& exact) {
      return static_cast<double>(magnitude(wide(exactly_in_400_bits(got) - exact))) / allowed;
    };
    largest =
        std::max({largest, share(special<real50>::sin(real50(x)), special<wide>::sin(wide(x))),
                  share(special<real50>::cos(real50(x)), special<wide>::cos(wide(x)))});
  }
  EXPECT_GT(largest, 0);
  EXPECT_LE(largest, 1);
}

TEST(special, r1_keeps_it_for_erfc_to_28_and_loses_little_beyond) {
  const auto x = arguments(3000, 3, 40);
  const auto error = [&](double low, double high) {
    return largest_error<real50>(x, low, high, special<real50>::erfc, special<wide>::erfc);
  };
  EXPECT_LE(error(26, 28), special<real50>::k_error);
  EXPECT_LE(error(28, 40), 40 * 40 * 0x1p-166);
}

TEST(special, the_table_of_erfc_works_at_other_precisions) {
  const erfc_table<mpfr_real<300>> table;
  using wider = mpfr_real<500>;
  double largest = 0;
  for (const double t : arguments(300, -60, 28)) {
    const wider erf = special<wider>::erf(wider(t));
    const wider erfc = special<wider>::erfc(wider(t));
    const mpfr_real<300> x(t);
    const wider erf_error = magnitude(wider((wider(table.erf(x)) - erf) / erf));
    const wider erfc_error = magnitude(wider((wider(table.erfc(x)) - erfc) / erfc));
    largest = std::max({largest, static_cast<double>(erf_error), static_cast<double>(erfc_error)});
  }
  EXPECT_LE(largest, 256 * k_unit_roundoff<mpfr_real<300>>);  // as erfc_table states
  EXPECT_GT(largest, 0);
}

TEST(special, limits_and_special_values) {
  using f = special<real50>;
  const auto check = [](auto erf, auto erfc, auto tanh) {
    EXPECT_EQ(erf(k_infinity), 1);
    EXPECT_EQ(erf(-k_infinity), -1);
    EXPECT_EQ(erfc(k_infinity), 0);
    EXPECT_EQ(erfc(-k_infinity), 2);
    EXPECT_EQ(erf(0), 0);
    EXPECT_EQ(erfc(0), 1);
    EXPECT_EQ(tanh(k_infinity), 1);
    EXPECT_EQ(tanh(-k_infinity), -1);
    EXPECT_TRUE(std::isnan(static_cast<double>(erf(k_nan))));
    EXPECT_TRUE(std::isnan(static_cast<double>(erfc(k_nan))));
  };
  check(special<double>::erf, special<double>::erfc, special<double>::tanh);
  check([](double x) { return f::erf(real50(x)); }, [](double x) { return f::erfc(real50(x)); },
        [](double x) { return f::tanh(real50(x)); });
  EXPECT_EQ(f::exp(real50(-1e300)), 0);
  EXPECT_EQ(f::erfc(real50(1e300)), 0);
}

TEST(special, erf_is_odd_and_one_minus_erfc) {
  for (const double t : arguments(500, -60, 5)) {
    const real50 x(t);
    const real50 erf = special<real50>::erf(x);
    ASSERT_EQ(special<real50>::erf(real50(-x)), -erf);
    // Three stated errors of numbers at most 2.
    ASSERT_LE(magnitude(real50(erf + special<real50>::erfc(x) - 1)),
              real50(4 * special<real50>::k_error));
  }
}

TEST(special, erf_is_its_series) {
  // erf(x) = 2/sqrt pi sum (-1)^n x^(2n+1) / (n! (2n+1)), A&S 7.1.5. For |x| <= 1 the terms are at
  // most 1, there are fewer than 64 of them, and 1/n! x^.. of them carry at most 4n u: 2^-168 64
  // 256 < 2^-154.
  for (const double t : arguments(200, -20, 1)) {
    const real50 x(t);
    real50 power = x;
    real50 sum = 0;
    for (int n = 0; n < 60; ++n) {
      sum += power / (2 * n + 1);
      power *= -x * x / (n + 1);
    }
    sum *= constants<real50>::two_over_sqrt_pi();
    ASSERT_LE(magnitude(real50(special<real50>::erf(x) - sum)), magnitude(x) * real50(0x1p-154));
  }
}

TEST(special, constants_are_right_in_every_tier) {
  const auto check = [](auto r, double error) {
    using R = decltype(r);
    using J = typename judge<R>::type;
    const auto off = [](const R& x, const J& truth) {
      return static_cast<double>(magnitude(J((judge<R>::widened(x) - truth) / truth)));
    };
    const J pi = special<J>::pi();
    EXPECT_LE(off(special<R>::pi(), pi), error);
    EXPECT_LE(off(constants<R>::inverse_sqrt_2(), special<J>::sqrt(J(0.5))), error);
    EXPECT_LE(off(constants<R>::inverse_sqrt_2_pi(), special<J>::sqrt(J(J(0.5) / pi))), error);
    EXPECT_LE(off(constants<R>::sqrt_2_over_pi(), special<J>::sqrt(J(J(2) / pi))), error);
    EXPECT_LE(off(constants<R>::two_over_sqrt_pi(), J(J(2) / special<J>::sqrt(pi))), error);
  };
  check(0.0, k_unit_roundoff<double>);  // literals, each the nearest double
  check(real50(), 3 * k_unit_roundoff<real50>);
}

}  // namespace
}  // namespace assay::reference
