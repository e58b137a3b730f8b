#include "bench/change_point.hpp"

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

TEST(change_points, are_found_where_the_level_changes) {
  int found = 0, near = 0;
  constexpr int k_series = 200;
  for (std::uint64_t seed = 0; seed < k_series; ++seed) {
    std::vector<double> series = noise(40, seed);
    for (std::size_t i = 25; i < series.size(); ++i) series[i] *= 1.1;
    const auto points = change_points(series);
    if (points.size() != 1) continue;
    ++found;
    near += points[0].at >= 24 && points[0].at <= 26;
    EXPECT_NEAR(points[0].after / points[0].before, 1.1, 0.03);
    EXPECT_LE(points[0].p, k_change_level);
  }
  EXPECT_GE(found, k_series * 95 / 100);
  EXPECT_GE(near, k_series * 90 / 100);
}

TEST(change_points, are_found_one_after_the_other) {
  std::vector<double> series = noise(60, 7, 0.002);
  for (std::size_t i = 20; i < 40; ++i) series[i] *= 1.3;
  const auto points = change_points(series);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_NEAR(double(points[0].at), 20, 1);
  EXPECT_NEAR(double(points[1].at), 40, 1);
  EXPECT_NEAR(points[0].after, 1.3, 0.01);
  EXPECT_NEAR(points[1].after, 1.0, 0.01);
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
