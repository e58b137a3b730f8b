#include "properties/nearest.hpp"

#include "properties/bad_input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::properties {
namespace {

using testing::ElementsAre;

const std::vector<std::string> k_names = {"relu", "gelu", "silu", "mish", "softmax"};

TEST(nearest, finds_what_a_misspelt_name_meant) {
  EXPECT_THAT(nearest("sofmax", k_names), ElementsAre("softmax"));
  EXPECT_THAT(nearest("relu", k_names, 1), ElementsAre("relu"));
  EXPECT_THAT(nearest("gleu", k_names, 1), ElementsAre("gelu"));
  EXPECT_THAT(nearest("elu", k_names), ElementsAre("relu", "gelu", "silu"));
  EXPECT_THAT(nearest("qqqqqqqqqqqqqqq", k_names), ElementsAre());
  EXPECT_THAT(nearest("", k_names), ElementsAre());
}

TEST(nearest, suggests_the_near_or_lists_all) {
  EXPECT_EQ(suggestion("sofmax", k_names), "did you mean softmax?");
  EXPECT_EQ(suggestion("zzzzzzzzzzzzz", k_names), "there are: relu, gelu, silu, mish, softmax");
}

TEST(bad_input, is_one_formatted_line) {
  EXPECT_STREQ(bad_input("{} of {}", 3, "four").what(), "3 of four");
  EXPECT_STREQ(bad_input(std::string("{} stays")).what(), "{} stays");
}

}  // namespace
}  // namespace assay::properties
