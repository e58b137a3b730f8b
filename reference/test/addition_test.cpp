// Sums are exact, and rounded once, whatever lies between the magnitudes.

#include "reference/addition.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::reference {
namespace {

double rounded(const format& f, double a, double b) {
  return round_if_certain(f, addition(a, b)).value();
}

TEST(addition, is_rounded_once) {
  EXPECT_EQ(rounded(k_fp32, 1, 0x1p-24), 1);  // a tie, to even
  EXPECT_EQ(rounded(k_fp32, 1, std::nextafter(0x1p-24, 1.0)), 1 + 0x1p-23);
  // The distance from the tie is beyond double, and decides all the same.
  EXPECT_EQ(rounded(k_fp32, 1 + 0x1p-24, 0x1p-120), 1 + 0x1p-23);
  EXPECT_EQ(rounded(k_fp32, 1 + 0x1p-24, -0x1p-120), 1);
  EXPECT_EQ(rounded(k_bf16, 1 + 0x1p-8, -0x1p-149), 1);
}

TEST(addition, keeps_to_ieee_754_where_there_is_no_sum) {
  EXPECT_TRUE(std::signbit(rounded(k_fp32, -0.0, -0.0)));
  EXPECT_FALSE(std::signbit(rounded(k_fp32, 3, -3)));
  EXPECT_TRUE(std::isnan(addition(k_infinity, -k_infinity).value()));
  EXPECT_EQ(addition(k_infinity, -1).value(), k_infinity);
}

}  // namespace
}  // namespace assay::reference
