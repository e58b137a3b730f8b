// Who sees what, written out.

#include "reference/causal_mask.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace assay::reference {
namespace {

// Rows of letters: v visible, . hidden.
std::vector<std::string> seen(std::int64_t queries, std::int64_t keys) {
  std::vector<std::string> rows;
  for (std::int64_t i = 0; i < queries; ++i) {
    rows.emplace_back();
    for (std::int64_t j = 0; j < keys; ++j)
      rows.back() += is_visible(i, j, queries, keys) ? 'v' : '.';
  }
  return rows;
}

using rows = std::vector<std::string>;

TEST(causal_mask, lets_a_query_see_its_own_key_and_those_before) {
  EXPECT_EQ(seen(3, 3), (rows{"v..", "vv.", "vvv"}));
  EXPECT_EQ(seen(1, 1), (rows{"v"}));
}

TEST(causal_mask, is_aligned_to_the_last_query_and_the_last_key) {
  EXPECT_EQ(seen(2, 5), (rows{"vvvv.", "vvvvv"}));
  EXPECT_EQ(seen(4, 2), (rows{"..", "..", "v.", "vv"}));
}

TEST(causal_mask, keeps_what_is_visible_and_looks_at_nothing_else) {
  const std::vector<double> x = {-0.0, k_nan, k_nan, k_infinity, 1, 2, 3, 4},
                            y = causal_mask<double>(x, 2, 2);
  EXPECT_TRUE(std::signbit(y[0]) && y[0] == 0);
  EXPECT_EQ(y[1], -k_infinity);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], k_infinity);
  // The second matrix as the first.
  EXPECT_EQ(std::vector<double>(y.begin() + 4, y.end()),
            (std::vector<double>{1, -k_infinity, 3, 4}));
}

}  // namespace
}  // namespace assay::reference
