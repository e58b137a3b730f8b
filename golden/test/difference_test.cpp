#include "golden/difference.hpp"

#include "golden/test/support.hpp"
#include "reference/real.hpp"

#include <gmock/gmock.h>

namespace assay::golden::test {
namespace {

using reference::k_infinity;
using reference::k_nan;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<change> outputs(const std::vector<double>& before, const std::vector<double>& after) {
  return difference(record_of_output(before), record_of_output(after));
}

TEST(difference, of_equal_records_is_empty_whatever_values_they_hold) {
  EXPECT_THAT(outputs({1, -0.0, k_nan, -k_infinity}, {1, -0.0, k_nan, -k_infinity}), IsEmpty());
}

TEST(difference, counts_what_moved_in_ulps_and_shows_the_worst_with_its_neighbours) {
  const auto changes = outputs({1, 2, 4, 8}, {1 + 0x1p-23, 2, 4 + 3 * 0x1p-21, 8});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].tensor, "y");
  EXPECT_EQ(changes[0].why, cause::reference);
  EXPECT_EQ(changes[0].moved, 2);
  EXPECT_EQ(changes[0].elements, 4);
  EXPECT_EQ(changes[0].worst, 2);
  EXPECT_EQ(changes[0].ulps, 3);
  EXPECT_EQ(changes[0].first_shown, 1);
  EXPECT_THAT(changes[0].before, ElementsAre(2, 4, 8));
  EXPECT_THAT(changes[0].after, ElementsAre(2, 4 + 3 * 0x1p-21, 8));
  EXPECT_EQ(in_words(changes[0]), "2 of 4 moved, by up to 3 ULP: [2] 4 -> 4.00000143");
}

TEST(difference, counts_integers_by_their_distance) {
  const auto lengths = [](const std::vector<double>& of) {
    return record_of({1, 2, 3, 4}, {of_values("lengths", holding::input, dtype::int32, of)});
  };
  const auto changes = difference(lengths({0, 7, 9, 9}), lengths({0, 7, 9, 4}));
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].why, cause::inputs);
  EXPECT_EQ(changes[0].moved, 1);
  EXPECT_EQ(changes[0].ulps, 5);
}

TEST(difference, sees_the_sign_of_zero) {
  const auto changes = outputs({0.0, 1, 1, 1}, {-0.0, 1, 1, 1});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].moved, 1);
  EXPECT_EQ(changes[0].worst, 0);
}

TEST(difference, with_nan_or_infinity_is_infinite) {
  for (const double after : {k_nan, k_infinity}) {
    const auto changes = outputs({1, 1, 1, 1}, {1, 1, 1, after});
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_EQ(changes[0].ulps, k_infinity);
    EXPECT_EQ(changes[0].worst, 3);
  }
  EXPECT_THAT(outputs({k_infinity, 1, 1, 1}, {-k_infinity, 1, 1, 1}), SizeIs(1));
}

TEST(difference, of_a_change_of_inputs_says_so_of_the_outputs_too) {
  const auto y = of_values("y", holding::rounded, dtype::fp32, {1, 2, 3, 4});
  const auto z = of_values("y", holding::rounded, dtype::fp32, {1, 2, 3, 5});
  const auto changes = difference(record_of({1, 2, 3, 4}, {y}), record_of({1, 2, 3, 5}, {z}));
  ASSERT_THAT(changes, SizeIs(2));
  for (const change& each : changes) EXPECT_EQ(each.why, cause::inputs) << each.tensor;
}

TEST(difference, of_results_with_bounds_of_errors_is_what_these_do_not_allow) {
  const auto known_within = [](double value, double error) {
    return record_of({1, 2, 3, 4},
                     {of_values("y", holding::rounded, dtype::fp32, {1, 1, 1, 1}),
                      of_values("y.truth", holding::within, dtype::fp64, {1, 1, 1, value}),
                      of_values("y.error", holding::error, dtype::fp64, {0, 0, 0, error})});
  };
  EXPECT_THAT(difference(known_within(1, 0x1p-40), known_within(1 + 0x1p-39, 0x1p-40)), IsEmpty());
  EXPECT_THAT(difference(known_within(1, 0x1p-40), known_within(1 + 0x1p-38, 0x1p-40)), SizeIs(1));
  EXPECT_THAT(difference(known_within(1, 0), known_within(k_nan, 0)), SizeIs(1));
}

TEST(difference, of_doubles_is_in_ulps_of_their_output) {
  const auto with_truth = [](double last) {
    return record_of({1, 2, 3, 4},
                     {of_values("y", holding::rounded, dtype::fp32, {1, 1, 1, 1}),
                      of_values("y.truth", holding::near, dtype::fp64, {1, 1, 1, last})});
  };
  const auto changes = difference(with_truth(1), with_truth(1 + 0x1p-24));
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].tensor, "y.truth");
  EXPECT_EQ(changes[0].ulps, 0.5);
}

TEST(difference, tells_another_standing_of_the_same_values) {
  const std::vector<double> values = {1, 2, 3, 4};
  const auto standing = [&](holding what) {
    return record_of(values, {of_values("y", what, dtype::fp32, values)});
  };
  const auto changes = difference(standing(holding::rounded), standing(holding::within));
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(in_words(changes[0]), "rounded -> within; 0 of 4 moved");
}

TEST(difference, tells_cases_that_came_and_went) {
  const record some = record_of_output({1, 2, 3, 4}), none{"relu", {}, {}};
  ASSERT_THAT(difference(none, some), SizeIs(1));
  EXPECT_EQ(difference(none, some)[0].why, cause::added);
  ASSERT_THAT(difference(some, none), SizeIs(1));
  EXPECT_EQ(difference(some, none)[0].why, cause::removed);
}

}  // namespace
}  // namespace assay::golden::test
