// Where the rows of new tokens go.

#include "reference/kv_cache.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::reference {
namespace {

TEST(kv_cache, new_rows_go_behind_those_there_are) {
  EXPECT_EQ(appended_at(0, 4, 9), 4);
  EXPECT_EQ(appended_at(4, 4, 9), 8);
  EXPECT_EQ(appended_at(5, 4, 9), std::nullopt);
  EXPECT_EQ(appended_at(2, -3, 9), 2);
  EXPECT_EQ(appended_at(0, 12, 9), std::nullopt);
}

TEST(kv_cache, a_row_comes_from_where_it_went_from) {
  constexpr std::int64_t k_capacity = 9;
  for (const std::int64_t length : {-2, 0, 3, 8, 9, 40})
    for (const std::int64_t count : {0, 1, 5, 20}) {
      std::int64_t arrived = 0;
      for (std::int64_t at = 0; at < k_capacity; ++at)
        if (const auto i = appended_from(at, count, length, k_capacity)) {
          EXPECT_EQ(appended_at(*i, length, k_capacity), at);
          ++arrived;
        }
      std::int64_t fit = 0;
      for (std::int64_t i = 0; i < count; ++i)
        fit += appended_at(i, length, k_capacity).has_value();
      EXPECT_EQ(arrived, fit);
    }
}

TEST(kv_cache, a_table_says_on_which_page_a_row_lies) {
  const std::vector<std::int64_t> entries = {2, 0, 3, -1};
  const auto at = [&](std::int64_t row) { return on_page(row, 5, 3, entries); };
  ASSERT_TRUE(at(0) && at(4) && at(7));
  EXPECT_EQ(at(0)->page, 2);
  EXPECT_EQ(at(4)->token, 4);
  EXPECT_EQ(at(7)->page, 0);
  EXPECT_EQ(at(7)->token, 2);
  EXPECT_FALSE(at(10)) << "there are three pages";
  EXPECT_FALSE(at(19));
}

}  // namespace
}  // namespace assay::reference
