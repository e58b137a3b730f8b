#include "bench/waiver.hpp"

#include "properties/bad_input.hpp"

#include <gtest/gtest.h>

namespace assay::bench {
namespace {

TEST(waivers, hold_until_the_end_of_their_last_day) {
  waivers all;
  all.add({"a/b", "a reason", parse_date("2026-03-01")});
  EXPECT_NE(all.holding("a/b", parse_date("2026-02-28")), nullptr);
  EXPECT_NE(all.holding("a/b", parse_date("2026-03-01")), nullptr);
  EXPECT_EQ(all.holding("a/b", parse_date("2026-03-02")), nullptr);
  EXPECT_EQ(all.holding("a", parse_date("2026-02-28")), nullptr);
  all.add({"a/b", "another", parse_date("2026-04-01")});
  EXPECT_EQ(all.all().size(), 1u);
  EXPECT_EQ(all.holding("a/b", parse_date("2026-03-02"))->reason, "another");
}

TEST(waivers, that_expired_or_are_of_nothing_are_told) {
  waivers all;
  all.add({"a", "r", parse_date("2026-03-01")});
  all.add({"b", "r", parse_date("2026-05-01")});
  EXPECT_EQ(all.complaints({"a", "b"}, parse_date("2026-03-01")), std::vector<std::string>{});
  EXPECT_EQ(all.complaints({"a"}, parse_date("2026-04-01")),
            (std::vector<std::string>{"the waiver of a expired on 2026-03-01 (r)",
                                      "the waiver of b is of no benchmark there is"}));
}

TEST(waivers, are_read_a_line_each) {
  const waivers all = waivers::parse(
      "{\"id\":\"a\",\"reason\":\"r\",\"until\":\"2026-12-31\"}\n\n"
      "{\"id\":\"b\",\"reason\":\"s\",\"until\":\"2027-01-31\"}\n",
      "f");
  ASSERT_EQ(all.all().size(), 2u);
  EXPECT_EQ(print(all.all()[1].until), "2027-01-31");
  EXPECT_TRUE(waivers::read("no/such/file").all().empty());
  for (const char* wrong : {"[]", "{\"id\":\"a\"}", "nonsense", "{\"id\":\"\",\"reason\":\"r\"}",
                            "{\"id\":\"a\",\"reason\":\"r\",\"until\":\"2026-02-30\"}"})
    EXPECT_THROW(waivers::parse(wrong, "f"), bad_input) << wrong;
}

TEST(dates, are_of_the_calendar) {
  EXPECT_EQ(print(parse_date("2028-02-29")), "2028-02-29");
  for (const char* wrong : {"2027-02-29", "2026-13-01", "2026-1-1", "tomorrow", "", "2026-01-0x"})
    EXPECT_THROW(parse_date(wrong), bad_input) << wrong;
}

}  // namespace
}  // namespace assay::bench
