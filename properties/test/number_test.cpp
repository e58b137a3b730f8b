#include "properties/number.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>

namespace assay::properties {
namespace {

TEST(number, has_one_text_for_each_value) {
  EXPECT_EQ(number(1023).text(), "1023");
  EXPECT_EQ(number(1'000'000).text(), "1000000");
  EXPECT_EQ(number(0.5).text(), "0.5");
  EXPECT_EQ(number(4.0).text(), "4");
  EXPECT_EQ(number(-0.0).text(), "-0");
  EXPECT_EQ(number(1e-5).text(), "1e-05");
  EXPECT_EQ(number(HUGE_VAL).text(), "inf");
  EXPECT_EQ(number(std::nan("7")).text(), "nan");
  EXPECT_TRUE(number(-0.0) == number(-0.0));
  EXPECT_FALSE(number(-0.0) == number(0));
}

TEST(number, refuses_every_other_spelling) {
  for (const char* text : {"", "+1", "01", "1.", ".5", "0.50", "1e0", "1E-05", "0x10", "1 ", " 1",
                           "1,2", "infinity", "-nan", "NaN", "1e999"})
    EXPECT_FALSE(number::parse(text)) << text;
}

TEST(number, printing_and_parsing_are_inverse) {
  EXPECT_TRUE(rc::check("over all doubles", [](std::uint64_t bits) {
    const number x(std::bit_cast<double>(bits));
    const auto back = number::parse(x.text());
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == x);
    RC_ASSERT(std::isnan(x.as_double()) || std::bit_cast<std::uint64_t>(back->as_double()) ==
                                               std::bit_cast<std::uint64_t>(x.as_double()));
  }));
  EXPECT_TRUE(rc::check("over all integers", [](std::int64_t value) {
    const auto back = number::parse(number(value).text());
    RC_ASSERT(back.has_value() && back->is_integer());
    RC_ASSERT(back->as_integer() == value);
  }));
}

}  // namespace
}  // namespace assay::properties
