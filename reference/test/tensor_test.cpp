#include "reference/tensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace assay::reference {
namespace {

tensor<double> counting(const shape& s) {
  tensor<double> result(s);
  std::iota(result.elements().begin(), result.elements().end(), 0.0);
  return result;
}

template <class Action>
std::string message(Action action) {
  try {
    action();
  } catch (const shape_error& error) {
    return error.what();
  }
  return "no shape_error";
}

TEST(shape, counts_its_elements) {
  EXPECT_EQ(shape({2, 3, 4}).count(), 24);
  EXPECT_EQ(shape().count(), 1) << "a scalar";
  EXPECT_EQ(shape({5, 0}).count(), 0);
  EXPECT_EQ(shape({1LL << 40, 1LL << 20}).count(), 1LL << 60) << "extents are 64-bit";
  EXPECT_EQ(shape({2, 3, 4}).text(), "[2, 3, 4]");
  EXPECT_EQ(shape({2, 3}), shape({2, 3}));
  EXPECT_NE(shape({2, 3}), shape({2, 3, 1}));
}

TEST(shape, refuses_what_cannot_be) {
  EXPECT_EQ(message([] { shape({2, -1}); }), "shape [2, -1]: extent of axis 1 is negative");
  EXPECT_EQ(message([] {
              shape({1LL << 40, 1LL << 40});
            }),
            "shape [1099511627776, 1099511627776] has more than 2^63 - 1 elements");
  EXPECT_EQ(message([] { shape({1, 1, 1, 1, 1, 1}); }), "shape of rank 6: at most 5 dimensions");
  EXPECT_EQ(message([] { (void)shape({2, 3})[2]; }), "axis 2 of shape [2, 3], which has rank 2");
}

TEST(tensor, is_row_major_and_starts_at_zero) {
  const auto t = counting({2, 3, 4});
  EXPECT_EQ(t(1, 2, 3), 23);
  EXPECT_EQ(t(1, 0, 2), 14);
  EXPECT_EQ(row_major(shape({2, 3, 4}))[0], 12);
  EXPECT_EQ(tensor<double>({2, 2})(1, 1), 0);
  EXPECT_EQ(tensor<double>().elements().size(), 1u);
}

TEST(tensor, says_which_index_is_wrong) {
  const auto t = counting({2, 3});
  EXPECT_EQ(message([&] { t(1, 3); }), "index 3 on axis 1 of shape [2, 3], expected 0 to 2");
  EXPECT_EQ(message([&] { t(-1, 0); }), "index -1 on axis 0 of shape [2, 3], expected 0 to 1");
  EXPECT_EQ(message([&] { t(1); }), "1 indices into shape [2, 3], expected 2");
  EXPECT_EQ(message([] { tensor<double>({2, 3}, {1.0}); }), "shape [2, 3] needs 6 elements, got 1");
}

TEST(view, selects_slices_and_transposes_without_moving_elements) {
  auto t = counting({2, 3, 4});
  const auto v = t.view();
  EXPECT_EQ(v.select(1, 2).extents(), shape({2, 4}));
  EXPECT_EQ(v.select(1, 2)(1, 3), 23);
  EXPECT_EQ(v.select(0, 1).select(0, 1)(0), 16);
  EXPECT_EQ(v.slice(2, 1, 2).extents(), shape({2, 3, 2}));
  EXPECT_EQ(v.slice(2, 1, 2)(1, 0, 1), 14);
  EXPECT_EQ(v.transpose(0, 2).extents(), shape({4, 3, 2}));
  EXPECT_EQ(v.transpose(0, 2)(3, 2, 1), 23);
  EXPECT_EQ(v.slice(0, 2, 0).extents().count(), 0);
  v.transpose(0, 1)(2, 1, 0) = -1;
  EXPECT_EQ(t(1, 2, 0), -1);
  const view<const double> readable = v;
  EXPECT_EQ(readable(1, 2, 0), -1);
}

TEST(view, knows_when_it_is_contiguous) {
  auto t = counting({2, 3, 4});
  const auto v = t.view();
  EXPECT_TRUE(v.is_contiguous());
  EXPECT_TRUE(v.select(0, 1).is_contiguous());
  EXPECT_FALSE(v.slice(2, 0, 3).is_contiguous());
  EXPECT_FALSE(v.transpose(1, 2).is_contiguous());
  EXPECT_TRUE(v.slice(1, 0, 0).is_contiguous()) << "no elements";
  EXPECT_TRUE(v.slice(0, 1, 1).transpose(0, 0).is_contiguous()) << "extent 1, any stride";
  EXPECT_EQ(v.reshape({6, 4})(5, 3), 23);
  EXPECT_THAT(v.select(0, 1).reshape({12}).elements(),
              testing::ElementsAre(12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23));
}

TEST(view, refuses_what_it_cannot_show) {
  auto t = counting({2, 3});
  const auto v = t.view();
  EXPECT_EQ(message([&] { (void)v.slice(1, 2, 2); }), "slice [2, 4) of axis 1 of shape [2, 3]");
  EXPECT_EQ(message([&] { (void)v.select(1, 3); }),
            "index 3 on axis 1 of shape [2, 3], expected 0 to 2");
  EXPECT_EQ(message([&] { (void)v.reshape({4}); }), "reshape of [2, 3], 6 elements, to [4], 4");
  EXPECT_EQ(message([&] { (void)v.transpose(0, 1).reshape({6}); }),
            "elements of a view that is not contiguous, [3, 2]");
  EXPECT_EQ(message([&] { (void)v.transpose(0, 2); }), "axis 2 of shape [2, 3], which has rank 2");
}

}  // namespace
}  // namespace assay::reference
