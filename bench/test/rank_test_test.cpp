#include "bench/rank_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace assay::bench {
namespace {

// Two-sided critical values of U, as tables have them (Mann and Whitney 1947; Milton 1964): the
// largest u with P(U <= u) <= level / 2.
struct critical {
  std::size_t n, m;
  double level;
  std::size_t u;
};

TEST(u_distribution, has_the_critical_values_of_the_tables) {
  for (const critical& each : {critical{5, 5, 0.05, 2},
                               {8, 8, 0.05, 13},
                               {10, 10, 0.05, 23},
                               {12, 12, 0.05, 37},
                               {12, 12, 0.01, 27},
                               {20, 20, 0.05, 127},
                               {20, 20, 0.01, 105},
                               {7, 12, 0.05, 18}}) {
    const u_distribution of(each.n, each.m);
    EXPECT_LE(of.cumulative(each.u), each.level / 2) << each.n << " " << each.m;
    EXPECT_GT(of.cumulative(each.u + 1), each.level / 2) << each.n << " " << each.m;
  }
}

// All C(n + m, n) ways to place the first sample among the ranks, counted.
TEST(u_distribution, is_what_counting_gives) {
  for (const auto& [n, m] : {std::pair<unsigned, unsigned>{1, 1}, {3, 3}, {4, 6}, {7, 5}}) {
    std::vector<double> count(n * m + 1);
    double all = 0;
    for (unsigned mask = 0; mask < 1u << (n + m); ++mask) {
      if (unsigned(__builtin_popcount(mask)) != n) continue;
      std::size_t u = 0, second = 0;
      for (unsigned i = 0; i < n + m; ++i) mask >> i& 1 ? u += second : ++second;
      ++count[u], ++all;
    }
    double sum = 0;
    const u_distribution of(n, m);
    const double error =
        u_distribution::relative_error(n, m) + 0x1p-53;  // and of the quotient here
    for (std::size_t u = 0; u < count.size(); ++u) {
      sum += count[u];
      EXPECT_NEAR(of.cumulative(u), sum / all, error * sum / all) << n << " " << m << " " << u;
    }
  }
}

// Permeability of membranes, Hollander and Wolfe's example 4.1: W = 35, P = 0.1272 one-sided.
TEST(compare_ranks, gives_the_published_p_value) {
  const std::vector<double> x = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
  const std::vector<double> y = {1.15, 0.88, 0.90, 0.74, 1.21};
  const rank_comparison result = compare_ranks(y, x, 0.05);
  EXPECT_NEAR(result.p, 2 * 0.1272, 2 * 0.00005);  // as far as its digits go
  // There too. Two differences of numbers below 2, none of them a double, and their mean.
  EXPECT_NEAR(result.shift, 0.305, 5 * 0x1p-53);
}

TEST(compare_ranks, is_exact_at_the_extreme) {
  std::vector<double> a, b;
  for (int i = 0; i < 12; ++i) a.push_back(i), b.push_back(100 + i);
  const double p = 2 / 2704156.0;  // 2 / C(24, 12)
  const double error = p * (u_distribution::relative_error(12, 12) + 0x1p-53);
  EXPECT_NEAR(compare_ranks(a, b, 0.01).p, p, error);
  EXPECT_NEAR(compare_ranks(b, a, 0.01).p, p, error);
  EXPECT_EQ(compare_ranks(a, b, 0.01).shift, 100);
}

// With ties: against all C(10, 5) placements of the very values the normal approximation is close,
// and without its tie correction it would not be.
TEST(compare_ranks, corrects_for_ties) {
  const std::vector<double> a = {1, 1, 1, 2, 2}, b = {2, 2, 2, 2, 3};
  // Ranks: 1 at 2, 2 at 6.5, 3 at 10; U of a = 19 - 15 = 4, mean 12.5; ties 24 + 210 = 234:
  // s^2 = 25/12 (11 - 234/90) = 17.5, z = (8.5 - 0.5) / s, p = erfc(z / sqrt(2)) = erfc(8 /
  // sqrt(35)).
  const double x = 8 / std::sqrt(35.0), p = std::erfc(x);
  // Eight roundings on the way to the argument there and two here, each grown by x erfc'(x) /
  // erfc(x); erfc itself to 5 ULPs on either side (the C library's manual, "Known maximum errors").
  const double growth = x * 2 / std::sqrt(std::numbers::pi) * std::exp(-x * x) / p;
  EXPECT_NEAR(compare_ranks(a, b, 0.05).p, p, (10 * growth + 2 * 2 * 5) * 0x1p-53 * p);
  const std::vector<double> equal(6, 1.0);
  EXPECT_EQ(compare_ranks(equal, equal, 0.05).p, 1);
}

// Beyond the size for which it is exact: off by the first term that the normal approximation leaves
// out of the Edgeworth series (Fix and Hodges 1955, Ann. Math. Stat. 26, for U), to that term's own
// order.
TEST(compare_ranks, is_close_where_exact_gives_way_to_normal) {
  constexpr double n = 51, m = 50;
  static_assert(n * m > k_most_exact);
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> a(std::size_t(n), 0.0), b(std::size_t(m), 0.0);
  for (double& x : a) x = normal(random);
  for (double& x : b) x = normal(random) + 0.4;
  std::size_t u = 0;  // pairs in which the second is the smaller
  for (const double x : a)
    for (const double y : b) u += y < x;
  ASSERT_LT(double(u), n * m / 2);
  const double exact = 2 * u_distribution(std::size_t(n), std::size_t(m)).cumulative(u);
  const double z = (double(u) + 0.5 - n * m / 2) / std::sqrt(n * m * (n + m + 1) / 12);
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  const double term = 2 * (n * n + m * m + n * m + n + m) / (20 * n * m * (n + m + 1)) *
                      (z * z * z - 3 * z) * density;
  const double off = exact - compare_ranks(a, b, 0.05).p;
  EXPECT_GT(off / term, 0) << off << " " << term;
  EXPECT_LT(off / term, 2) << off << " " << term;
}

// The interval misses the shift as often as U's distribution says (Hollander, Wolfe and Chicken,
// section 4.3), whatever the distribution of the samples; and that is as rarely as was asked for.
TEST(compare_ranks, has_an_interval_that_covers) {
  constexpr double k_at_level = 0.05;
  for (const std::size_t n : {6, 12, 60}) {
    const int trials = n > 50 ? 500 : 4000;
    std::mt19937_64 random(n);
    std::cauchy_distribution<double> heavy;
    int missed = 0;
    std::size_t below = 0;  // differences below the interval: of each trial the same
    for (int trial = 0; trial < trials; ++trial) {
      std::vector<double> a(n), b(n);
      for (double& x : a) x = heavy(random);
      for (double& x : b) x = heavy(random) + 7;
      const rank_comparison result = compare_ranks(a, b, k_at_level);
      missed += !(result.low <= 7 && 7 <= result.high);
      if (trial > 0) continue;
      for (const double x : a)
        for (const double y : b) below += y - x < result.low;
    }
    const u_distribution of(n, n);
    const double level = 2 * of.cumulative(below);
    EXPECT_LE(level, k_at_level) << n;
    EXPECT_GT(2 * of.cumulative(below + 1), k_at_level) << n;
    // Five standard deviations of a binomial.
    EXPECT_NEAR(missed, trials * level, 5 * std::sqrt(trials * level * (1 - level))) << n;
  }
}

TEST(compare_ranks, has_no_interval_for_too_few) {
  const std::vector<double> a = {1, 2}, b = {3, 4};
  const rank_comparison result = compare_ranks(a, b, 0.01);
  EXPECT_TRUE(std::isinf(result.low) && std::isinf(result.high));
}

// Benjamini and Hochberg 1995, section 4: 15 comparisons of two treatments; at 0.05 the procedure
// rejects four (Bonferroni three).
TEST(benjamini_hochberg, rejects_what_its_paper_rejects) {
  const std::vector<double> p = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                                 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  const std::vector<double> adjusted = benjamini_hochberg(p);
  EXPECT_EQ(std::count_if(adjusted.begin(), adjusted.end(), [](double q) { return q <= 0.05; }), 4);
  EXPECT_EQ(adjusted[3], 0.0095 * 15 / 4);
  EXPECT_EQ(adjusted[5], 0.0298 * 15 / 7);  // the step up: a later one is smaller
  std::vector<double> backwards(p.rbegin(), p.rend());
  const std::vector<double> other = benjamini_hochberg(backwards);
  EXPECT_TRUE(std::equal(adjusted.begin(), adjusted.end(), other.rbegin()));
  EXPECT_TRUE(benjamini_hochberg({}).empty());
}

TEST(median, is_between_the_middle_two) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace assay::bench
