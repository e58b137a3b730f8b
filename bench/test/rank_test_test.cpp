#include "bench/rank_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
    for (std::size_t u = 0; u < count.size(); ++u) {
      sum += count[u];
      EXPECT_NEAR(of.cumulative(u), sum / all, 1e-14) << n << " " << m << " " << u;
    }
  }
}

// Permeability of membranes, Hollander and Wolfe's example 4.1: W = 35, P = 0.1272 one-sided.
TEST(compare_ranks, gives_the_published_p_value) {
  const std::vector<double> x = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
  const std::vector<double> y = {1.15, 0.88, 0.90, 0.74, 1.21};
  const rank_comparison result = compare_ranks(y, x, 0.05);
  EXPECT_NEAR(result.p, 2 * 0.1272, 1e-4);
  EXPECT_NEAR(result.shift, 0.305, 1e-12);  // there too
}

TEST(compare_ranks, is_exact_at_the_extreme) {
  std::vector<double> a, b;
  for (int i = 0; i < 12; ++i) a.push_back(i), b.push_back(100 + i);
  EXPECT_NEAR(compare_ranks(a, b, 0.01).p, 2 / 2704156.0, 1e-18);  // 2 / C(24, 12)
  EXPECT_NEAR(compare_ranks(b, a, 0.01).p, 2 / 2704156.0, 1e-18);
  EXPECT_EQ(compare_ranks(a, b, 0.01).shift, 100);
}

// With ties: against all C(10, 5) placements of the very values the normal approximation is close,
// and without its tie correction it would not be.
TEST(compare_ranks, corrects_for_ties) {
  const std::vector<double> a = {1, 1, 1, 2, 2}, b = {2, 2, 2, 2, 3};
  // Ranks: 1 at 2, 2 at 6.5, 3 at 10; U of a = 19 - 15 = 4, mean 12.5; ties 24 + 210 = 234:
  // s^2 = 25/12 (11 - 234/90) = 17.5, z = (8.5 - 0.5) / 4.1833.
  EXPECT_NEAR(compare_ranks(a, b, 0.05).p, std::erfc(8 / std::sqrt(17.5) / std::sqrt(2.0)), 1e-12);
  const std::vector<double> equal(6, 1.0);
  EXPECT_EQ(compare_ranks(equal, equal, 0.05).p, 1);
}

TEST(compare_ranks, agrees_with_itself_where_exact_gives_way_to_normal) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> a(50), b(50);
  for (double& x : a) x = normal(random);
  for (double& x : b) x = normal(random) + 0.4;
  const double exact = compare_ranks(a, b, 0.05).p;
  a.push_back(median(a) + 1e-9);  // 51 x 50 pairs: normal
  EXPECT_NEAR(std::log(compare_ranks(a, b, 0.05).p / exact), 0, 0.15);
}

// The interval holds the shift as often as it says, whatever the distribution.
TEST(compare_ranks, has_an_interval_that_covers) {
  constexpr int k_trials = 4000;
  constexpr double k_at_level = 0.05;
  for (const std::size_t n : {6, 12, 60}) {
    std::mt19937_64 random(n);
    std::cauchy_distribution<double> heavy;
    int missed = 0;
    for (int trial = 0; trial < (n > 50 ? k_trials / 8 : k_trials); ++trial) {
      std::vector<double> a(n), b(n);
      for (double& x : a) x = heavy(random);
      for (double& x : b) x = heavy(random) + 7;
      const rank_comparison result = compare_ranks(a, b, k_at_level);
      missed += !(result.low <= 7 && 7 <= result.high);
    }
    const double trials = n > 50 ? k_trials / 8 : k_trials;
    // Five standard deviations of a binomial above the promise; and not idle: at n = 12 the exact
    // level is 0.0447.
    EXPECT_LE(missed, trials * k_at_level + 5 * std::sqrt(trials * k_at_level)) << n;
    EXPECT_GE(missed, trials * 0.015) << n;
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
  EXPECT_NEAR(adjusted[3], 0.0095 * 15 / 4, 1e-15);
  EXPECT_NEAR(adjusted[5], 0.0298 * 15 / 7, 1e-15);  // the step up: a later one is smaller
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
