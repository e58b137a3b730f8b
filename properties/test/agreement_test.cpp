#include "properties/agreement.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace assay::properties {
namespace {

constexpr float k_nan = std::numeric_limits<float>::quiet_NaN();

tensor_bytes floats(const std::vector<double>& values) { return encoded(dtype::fp32, values); }

TEST(agreement, holds_of_the_same_bits) {
  EXPECT_EQ(disagreement(dtype::fp32, floats({1, -0.0, k_nan}), floats({1, -0.0, k_nan})), "");
}

TEST(agreement, takes_one_nan_for_another) {
  tensor_bytes other = floats({k_nan});
  other[0] = std::byte(1);
  EXPECT_EQ(disagreement(dtype::fp32, floats({k_nan}), other), "");
  EXPECT_NE(disagreement(dtype::fp32, floats({k_nan}), floats({0})), "");
}

TEST(agreement, fails_by_one_bit_and_by_the_sign_of_zero) {
  EXPECT_EQ(disagreement(dtype::fp32, floats({1, 2}), floats({1, 2 + 0x1p-22})),
            "1 of 2 elements have other bits on the emulator, the first at 1: 0x1p+1 on cuda, "
            "0x1.000002p+1 there");
  EXPECT_NE(disagreement(dtype::fp32, floats({0.0}), floats({-0.0})), "");
  EXPECT_NE(disagreement(dtype::fp32, floats({1}), floats({1, 1})), "");
}

}  // namespace
}  // namespace assay::properties
