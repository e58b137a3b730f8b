#include "properties/values.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <stdexcept>

namespace assay::properties {
namespace {

TEST(values, every_16_bit_pattern_is_a_number_and_back) {
  for (dtype type : {dtype::bf16, dtype::fp16})
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      const double value = decode(type, bits);
      if (std::isnan(value)) continue;
      ASSERT_EQ(encode(type, value), bits) << name_of(type) << " " << bits;
      ASSERT_TRUE(reference::same(round_to(type, value), value));
    }
}

// What IEEE 754 and the layout of bf16 say of single patterns.
TEST(values, patterns_mean_what_the_formats_say) {
  EXPECT_EQ(decode(dtype::fp16, 0x3c00), 1);
  EXPECT_EQ(decode(dtype::fp16, 0x0001), 0x1p-24);
  EXPECT_EQ(decode(dtype::fp16, 0x03ff), 1023 * 0x1p-24);
  EXPECT_EQ(decode(dtype::fp16, 0x7bff), 65504);
  EXPECT_EQ(decode(dtype::fp16, 0xfc00), -HUGE_VAL);
  EXPECT_TRUE(std::signbit(decode(dtype::fp16, 0x8000)));
  EXPECT_TRUE(std::isnan(decode(dtype::fp16, 0x7c01)));
  EXPECT_EQ(decode(dtype::bf16, 0x3f80), 1);
  EXPECT_EQ(decode(dtype::bf16, 0x0001), 0x1p-133);
  EXPECT_EQ(decode(dtype::bf16, 0x7f7f), 0x1.fep127);
  EXPECT_EQ(decode(dtype::fp32, 0x00000001), 0x1p-149);
}

TEST(values, integers_are_what_they_are_and_end_at_their_ends) {
  for (double x : {-0x1p31, -1.0, 0.0, 7.0, 0x1p31 - 1}) {
    EXPECT_EQ(round_to(dtype::int32, x), x);
    EXPECT_EQ(decode(dtype::int32, encode(dtype::int32, x)), x);
  }
  EXPECT_EQ(encode(dtype::int32, -1), 0xffffffffu);
  EXPECT_EQ(round_to(dtype::int32, 2.5), 2);
  EXPECT_EQ(round_to(dtype::int32, 1e10), 0x1p31 - 1);
  EXPECT_EQ(round_to(dtype::int32, -HUGE_VAL), -0x1p31);
  const reference::format whole = format_of(dtype::int32);
  EXPECT_EQ(reference::max_finite(whole), 0x1p31 - 1);
  for (double x : {0.0, 1.0, 7.0, 0x1p30 - 1, 0x1p30, 0x1p31 - 2}) {
    EXPECT_EQ(reference::next_up(whole, x), x + 1);
    EXPECT_EQ(reference::round(whole, x + 0.25), x);
    EXPECT_EQ(reference::round(whole, -x - 0.75), -x - 1);
  }
}

// The compiler's own conversions from double are correctly rounded: an independent check of ours.
TEST(values, rounding_agrees_with_the_compiler) {
  EXPECT_TRUE(rc::check("fp32 and fp16 from any double", [](std::uint64_t bits) {
    const double x = std::bit_cast<double>(bits);
    RC_PRE(!std::isnan(x));
    RC_ASSERT(reference::same(round_to(dtype::fp32, x), double(float(x))));
    const double small = std::ldexp(x, -int(std::ilogb(x == 0 ? 1 : x)) + int(bits % 60) - 40);
    RC_ASSERT(reference::same(round_to(dtype::fp16, small), double(_Float16(small))));
  }));
}

TEST(values, elements_are_stored_side_by_side) {
  std::uint16_t halves[3] = {};
  store_bits(dtype::fp16, halves, 1, 0xffff);
  EXPECT_EQ(halves[0], 0);
  EXPECT_EQ(halves[1], 0xffff);
  EXPECT_EQ(halves[2], 0);
  EXPECT_EQ(load_bits(dtype::fp16, halves, 1), 0xffffu);
}

}  // namespace
}  // namespace assay::properties
