// The global norm and its clipping factor: policies, and errors that are what they say.

#include "reference/global_norm.hpp"

#include "reference/mpfr_real.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace assay::reference {
namespace {

using R = mpfr_real<960>;

approximation norm_of(const std::vector<double>& gradients) {
  return global_norm_with_error(gradients);
}

TEST(global_norm, is_the_length_of_a_vector) {
  EXPECT_EQ(norm_of({3, -4}).value, 5);
  EXPECT_EQ(norm_of({}).value, 0);
  EXPECT_EQ(norm_of({}).error, 0);
  EXPECT_EQ(norm_of({0, -0.0}).value, 0);
}

// Squares beyond fp32 on both sides are numbers like any others.
TEST(global_norm, knows_neither_overflow_nor_underflow) {
  EXPECT_NEAR(norm_of(std::vector<double>(4, 0x1p127)).value, 0x1p128, 0x1p76);
  EXPECT_NEAR(norm_of(std::vector<double>(4, 0x1p-149)).value, 0x1p-148, 0x1p-200);
}

TEST(global_norm, clips_what_is_longer_than_the_limit) {
  EXPECT_EQ(clipping_factor(4.0, 1.0), 0.25);
  EXPECT_EQ(clipping_factor(1.0, 1.0), 1);
  EXPECT_EQ(clipping_factor(0.0, 0.0), 1);
  EXPECT_EQ(clipping_factor(0.5, 0.0), 0);
  EXPECT_TRUE(std::isnan(clipping_factor(k_infinity, 1.0)));
  EXPECT_TRUE(std::isnan(clipping_factor(k_nan, 1.0)));
}

TEST(global_norm, lets_what_is_no_number_through) {
  EXPECT_EQ(norm_of({1, -k_infinity}).value, k_infinity);
  EXPECT_TRUE(std::isnan(norm_of({k_infinity, k_nan}).value));
  EXPECT_TRUE(std::isnan(clipping_factor_with_error(norm_of({k_infinity}), 1).value));
}

TEST(global_norm, errs_no_more_than_it_says) {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const int range = i % 3 ? 4 : 120;
    std::vector<double> gradients(std::size_t(1 + random() % 500));
    for (double& g : gradients)
      g = std::ldexp(1 + double(random() >> 9) * 0x1p-23,
                     int(random() % unsigned(2 * range)) - range);
    const std::vector<R> precise(gradients.begin(), gradients.end());
    const approximation norm = norm_of(gradients);
    const R truth = global_norm(std::span<const R>(precise));
    EXPECT_LE(double(magnitude(R(R(norm.value) - truth))), norm.error);
    EXPECT_LE(norm.error, 0x1p-50 * norm.value);
    for (const double by : {0.3, 1.0, 1.7}) {
      const double limit = double(float(norm.value * by));
      const approximation factor = clipping_factor_with_error(norm, limit);
      const R exact = clipping_factor(truth, R(limit));
      EXPECT_LE(double(magnitude(R(R(factor.value) - exact))), factor.error);
      EXPECT_LE(factor.error, 0x1p-49);
    }
  }
}

}  // namespace
}  // namespace assay::reference
