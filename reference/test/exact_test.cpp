// The error-free transforms against arithmetic wide enough to be exact: R1, and MPFR for sums.

#include "reference/exact.hpp"

#include "reference/mpfr_real.hpp"
#include "reference/real50.hpp"
#include "reference/round.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace assay::reference {
namespace {

using test::generator;

// Doubles with exponents in [-50, 50]: 53 bits and 100 binades apart fit into R1's 168 bits.
rc::Gen<double> moderate_double() {
  return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                      [](std::uint64_t seed) { return generator(seed).with_exponent(-50, 50); });
}

// Exact for the vectors below: exponents within +-160, products within +-320, 2^10 terms.
using wide = mpfr_real<1000>;

RC_GTEST_PROP(exact, the_two_parts_of_two_sum_are_the_sum, ()) {
  const double a = *moderate_double();
  const double b = *moderate_double();
  const auto [value, error] = two_sum(a, b);
  RC_ASSERT(value == a + b);
  RC_ASSERT(real50(value) + real50(error) == real50(a) + real50(b));
}

RC_GTEST_PROP(exact, fast_two_sum_equals_two_sum_if_the_larger_comes_first, ()) {
  double a = *moderate_double();
  double b = *moderate_double();
  if (std::abs(a) < std::abs(b)) std::swap(a, b);
  const auto fast = fast_two_sum(a, b);
  const auto slow = two_sum(a, b);
  RC_ASSERT(fast.value == slow.value);
  RC_ASSERT(fast.error == slow.error);
}

RC_GTEST_PROP(exact, the_two_parts_of_two_product_are_the_product, ()) {
  const double a = *moderate_double();
  const double b = *moderate_double();
  const auto [value, error] = two_product(a, b);
  RC_ASSERT(value == a * b);
  RC_ASSERT(real50(value) + real50(error) == real50(a) * real50(b));
}

TEST(exact, two_sum_holds_in_r1_as_well) {
  using widest = mpfr_real<700>;
  const auto widened = [](const real50& x) {
    widest result(0.0);
    real50 rest = x;
    while (rest != 0) {
      const double part = static_cast<double>(rest);
      result = result + widest(part);
      rest -= part;
    }
    return result;
  };
  generator random(3);
  for (int i = 0; i < 2000; ++i) {
    const real50 a = real50(random.with_exponent(-60, 60)) / real50(random.with_exponent(0, 0));
    const real50 b = real50(random.with_exponent(-60, 60)) / real50(random.with_exponent(0, 0));
    const auto [value, error] = two_sum(a, b);
    ASSERT_EQ(widened(value) + widened(error), widened(a) + widened(b));
  }
}

TEST(exact, two_product_loses_at_most_half_of_the_smallest_double_below_its_range) {
  generator random(4);
  bool inexact = false;
  for (int i = 0; i < 10000; ++i) {
    const double a = random.with_exponent(-530, -480);
    const double b = random.with_exponent(-530, -480);
    const auto [value, error] = two_product(a, b);
    const wide lost = wide(a) * wide(b) - wide(value) - wide(error);
    ASSERT_LE(magnitude(lost), wide(0x1p-1074) / wide(2)) << a << " * " << b;
    inexact = inexact || lost != wide(0);
  }
  EXPECT_TRUE(inexact) << "the range was chosen where the product is no longer exact";
}

// Terms that cancel: condition numbers up to 2^300.
std::vector<double> ill_conditioned(generator& random, int n) {
  std::vector<double> x(std::size_t(n), 0.0);
  for (double& term : x) term = random.with_exponent(-150, 150);
  for (int i = 0; i + 1 < n; i += 2) {
    if ((random.bits() & 3) != 0) x[std::size_t(i) + 1] = -x[std::size_t(i)] * (1 + 0x1p-50);
  }
  return x;
}

// gamma_k = k u / (1 - k u)
wide gamma(int k) {
  const wide ku = wide(k) * wide(k_unit_roundoff<double>);
  return ku / (wide(1) - ku);
}

TEST(exact, sum2_keeps_its_bound_and_a_plain_sum_does_not) {
  generator random(5);
  const wide u(k_unit_roundoff<double>);
  bool plain_failed = false;
  for (int trial = 0; trial < 400; ++trial) {
    const int n = 1 + int(random.below(1000));
    const auto x = ill_conditioned(random, n);
    wide sum(0);
    wide sizes(0);
    double plain = 0;
    for (const double term : x) {
      sum = sum + wide(term);
      sizes = sizes + wide(std::abs(term));
      plain += term;
    }
    // Ogita, Rump, Oishi 2005, proposition 4.5.
    const wide bound = u * magnitude(sum) + gamma(n - 1) * gamma(n - 1) * sizes;
    ASSERT_LE(magnitude(wide(wide(sum2(x)) - sum)), bound) << n;
    plain_failed = plain_failed || magnitude(wide(wide(plain) - sum)) > bound;
  }
  EXPECT_TRUE(plain_failed);
}

TEST(exact, sum2_of_an_infinite_or_undefined_term_is_the_plain_sum) {
  const auto is = [](const std::vector<double>& x, double sum) {
    EXPECT_TRUE(same(sum2(x), sum)) << sum2(x);
  };
  is({k_infinity}, k_infinity);
  is({1, -k_infinity, 2}, -k_infinity);
  is({k_infinity, 1, k_infinity}, k_infinity);
  is({k_infinity, -k_infinity}, k_nan);
  is({1, k_nan}, k_nan);
}

TEST(exact, dot2_keeps_both_its_bounds_and_a_plain_dot_product_does_not) {
  generator random(6);
  const wide u(k_unit_roundoff<double>);
  bool plain_failed = false;
  for (int trial = 0; trial < 400; ++trial) {
    const int n = 1 + int(random.below(1000));
    const auto x = ill_conditioned(random, n);
    std::vector<double> y(x.size());
    for (double& term : y) term = random.with_exponent(-2, 2);
    for (std::size_t i = 0; i + 1 < y.size(); i += 2) y[i + 1] = y[i];
    wide dot(0);
    wide sizes(0);
    double plain = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      dot = dot + wide(x[i]) * wide(y[i]);
      sizes = sizes + magnitude(wide(wide(x[i]) * wide(y[i])));
      plain += x[i] * y[i];
    }
    const auto result = dot2(x, y);
    const wide error = magnitude(wide(wide(result.value) - dot));
    // Proposition 5.5, and the running bound.
    const wide bound = u * magnitude(dot) + gamma(n) * gamma(n) * sizes;
    ASSERT_LE(error, bound) << n;
    ASSERT_LE(error, wide(result.error)) << n;
    plain_failed = plain_failed || magnitude(wide(wide(plain) - dot)) > bound;
  }
  EXPECT_TRUE(plain_failed);
}

TEST(exact, dot2_bounds_what_underflow_takes) {
  generator random(7);
  bool underflowed = false;
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<double> x;
    std::vector<double> y;
    wide dot(0);
    for (int i = 0; i < 100; ++i) {
      x.push_back(random.with_exponent(-560, -520));
      y.push_back(random.with_exponent(-560, -520));
      dot = dot + wide(x.back()) * wide(y.back());
    }
    const auto result = dot2(x, y);
    const wide error = magnitude(wide(wide(result.value) - dot));
    ASSERT_LE(error, wide(result.error));
    underflowed = underflowed || error > wide(k_unit_roundoff<double>) * magnitude(dot);
  }
  EXPECT_TRUE(underflowed) << "the range was chosen where products underflow";
}

TEST(exact, dot2_of_infinities_is_the_plain_sum) {
  const auto dot = [](std::vector<double> x, std::vector<double> y) { return dot2(x, y); };
  for (const double sign : {1.0, -1.0}) {
    const approximation infinite = dot({sign * k_infinity, 1, 0x1p-60}, {2, 3, 5});
    EXPECT_EQ(infinite.value, sign * k_infinity);
    EXPECT_EQ(infinite.error, 0);
    EXPECT_EQ(dot({1, sign * 0x1p1000}, {1, 0x1p1000}).value, sign * k_infinity);
  }
  EXPECT_TRUE(std::isnan(dot({k_infinity, 1}, {0, 1}).value));
  EXPECT_TRUE(std::isnan(dot({k_infinity, k_infinity}, {1, -1}).value));
}

TEST(exact, dot2_refuses_vectors_of_different_lengths) {
  const std::vector<double> x(3);
  const std::vector<double> y(4);
  EXPECT_THROW(dot2(x, y), std::invalid_argument);
}

}  // namespace
}  // namespace assay::reference
