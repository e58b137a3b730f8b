#include "bench/change_point.hpp"

#include "bench/rank_test.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace assay::bench {
namespace {

// Medians of a noisy machine over time: heavy tails (Student's t with two degrees of freedom).
std::vector<double> noise(std::size_t n, std::uint64_t seed, double scale = 0.01) {
  std::mt19937_64 random(seed);
  std::student_t_distribution<double> heavy(2);
  std::vector<double> all(n);
  for (double& x : all) x = std::exp(scale * heavy(random));
  return all;
}

// The stated rate: any mark at all in at most 1 % of series without a change.
TEST(change_points, are_rarely_seen_where_there_are_none) {
  for (const std::size_t n : {8, 30, 60}) {
    constexpr int k_series = 1000;
    int marked = 0;
    for (std::uint64_t seed = 0; seed < k_series; ++seed)
      marked += !change_points(noise(n, seed, 0.1)).empty();
    // Four standard deviations of a binomial above the promise.
    EXPECT_LE(marked, 10 + 4 * std::sqrt(10.0)) << n;
  }
}

// Noise of 1 % either way around levels 10 % apart, in the middle: every value behind the cut is in
// the upper half of the ranks and every one before it in the lower, so that no cut has a larger
// statistic, and of C(40, 20) orders only 2 reach it. Two outliers, one on either side and not next
// to the cut, do not move it.
TEST(change_points, are_found_where_the_level_changes) {
  constexpr std::size_t k_cut = 20;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> noise(0.99, 1.01);
    std::vector<double> series(2 * k_cut);
    for (std::size_t i = 0; i < series.size(); ++i)
      series[i] = noise(random) * (i < k_cut ? 1 : 1.1);
    if (seed % 2) std::swap(series[11], series[33]);
    const auto points = change_points(series);
    ASSERT_EQ(points.size(), 1u) << seed;
    if (seed % 2 == 0) {
      EXPECT_EQ(points[0].p, 1 / 2000.0) << seed;
    }
    EXPECT_EQ(points[0].at, k_cut);
    EXPECT_EQ(points[0].before, median({series.begin(), series.begin() + k_cut}));
    EXPECT_EQ(points[0].after, median({series.begin() + k_cut, series.end()}));
  }
}

TEST(change_points, are_found_one_after_the_other) {
  std::vector<double> series(60, 1.0);
  for (std::size_t i = 20; i < 40; ++i) series[i] = 1.3;
  const auto points = change_points(series);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].at, 20u);
  EXPECT_EQ(points[1].at, 40u);
  EXPECT_EQ(points[0].before, 1.0);
  EXPECT_EQ(points[0].after, 1.3);
  EXPECT_EQ(points[1].before, 1.3);
  EXPECT_EQ(points[1].after, 1.0);
}

TEST(change_points, are_no_outliers_and_nothing_below_2_percent) {
  std::vector<double> series = noise(40, 3, 0.001);
  series[10] = 5, series[30] = 0.2;
  EXPECT_TRUE(change_points(series).empty());
  for (std::size_t i = 20; i < series.size(); ++i) series[i] *= 1.015;
  EXPECT_TRUE(change_points(series).empty());
  for (std::size_t i = 20; i < series.size(); ++i) series[i] *= 1.02;
  EXPECT_EQ(change_points(series).size(), 1u);
}

TEST(change_points, are_not_seen_in_what_is_constant_or_short) {
  EXPECT_TRUE(change_points(std::vector<double>(50, 1.0)).empty());
  EXPECT_TRUE(change_points(std::vector<double>{1, 1, 2, 2}).empty());
  EXPECT_TRUE(change_points({}).empty());
}

}  // namespace
}  // namespace assay::bench
