// R1 as a scalar of Eigen, which the references of matrix products and attention rely on.

#include "reference/real50.hpp"

#include "reference/round.hpp"

#include <boost/multiprecision/eigen.hpp>
#include <Eigen/Dense>
#include <gtest/gtest.h>

namespace assay::reference {
namespace {

using matrix = Eigen::Matrix<real50, Eigen::Dynamic, Eigen::Dynamic>;

TEST(real50, is_a_scalar_of_eigen) {
  // Integers of 40 bits: products and sums of 16 of them have 84 bits, exact in 168.
  matrix a(9, 16);
  matrix b(16, 7);
  for (int i = 0; i < a.size(); ++i) a(i) = real50((i * 7919 % 1009 - 500) * 0x1p30 + i);
  for (int i = 0; i < b.size(); ++i) b(i) = real50((i * 6007 % 997 - 500) * 0x1p30 - i);
  const matrix c = a * b;
  for (int i = 0; i < c.rows(); ++i) {
    for (int j = 0; j < c.cols(); ++j) {
      real50 sum = 0;
      for (int k = 0; k < a.cols(); ++k) sum += a(i, k) * b(k, j);
      ASSERT_EQ(c(i, j), sum);
      ASSERT_NE(real50(static_cast<double>(sum)), sum) << "a product that double could hold";
    }
  }
}

TEST(real50, has_168_bits_and_rounds_to_nearest) {
  EXPECT_EQ(real_traits<real50>::k_digits, 168);
  const real50 ulp = real50(0x1p-167);
  EXPECT_EQ(real50(1) + ulp / 2, real50(1)) << "a tie, to even";
  EXPECT_EQ((real50(1) + ulp) + ulp / 2, real50(1) + 2 * ulp);
  EXPECT_EQ(real50(1) + ulp * real50(0.75), real50(1) + ulp);
}

}  // namespace
}  // namespace assay::reference
