// Cross-entropy and its gradient: the error that R0 states, differences, policies.

#include "reference/cross_entropy.hpp"

#include "reference/double_double.hpp"
#include "reference/real50.hpp"
#include "reference/round.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

using row = std::vector<double>;
using row50 = std::vector<real50>;

row50 in_50_digits(const row& x) { return {x.begin(), x.end()}; }

std::vector<row> rows_of_logits() {
  test::generator random(23);
  std::vector<row> all = {{0}, {3, 3}, {1, -k_infinity, 2}, {3e38, -3e38, 0}};
  for (const double width : {0.01, 1.0, 20.0, 700.0})
    for (const std::size_t n : {2u, 17u, 256u}) {
      row x;
      for (std::size_t j = 0; j < n; ++j) x.push_back(round(k_fp32, random.uniform(-width, width)));
      all.push_back(x);
    }
  return all;
}

void expect_within(const approximation& stated, const real50& exact) {
  if (!is_finite(exact)) {
    EXPECT_EQ(stated.value, static_cast<double>(exact));
    return;
  }
  EXPECT_LE(magnitude(real50(exact - real50(stated.value))), real50(stated.error));
  EXPECT_LE(stated.error, 0x1p-40 * (1 + std::abs(stated.value)));
}

TEST(cross_entropy, of_double_keeps_the_error_it_states) {
  for (const row& x : rows_of_logits())
    for (const std::int64_t target :
         {std::int64_t(0), std::int64_t(x.size() / 2), std::int64_t(x.size() - 1)}) {
      const row50 wide = in_50_digits(x);
      const auto exact = cross_entropy(std::span<const real50>(wide), target);
      const auto stated = cross_entropy_with_error(x, target);
      expect_within(stated.loss, exact.loss);
      for (std::size_t j = 0; j < x.size(); ++j)
        expect_within(stated.gradient[j], exact.gradient[j]);
    }
}

// Central differences: h^2 / 6 times a third derivative of at most 6.
TEST(cross_entropy, has_the_gradient_that_differences_have) {
  const row50 x = in_50_digits({0.5, -1, 2, 0.25});
  const real50 h("1e-16");
  const row50 gradient = cross_entropy(std::span<const real50>(x), 2).gradient;
  for (std::size_t j = 0; j < x.size(); ++j) {
    row50 up = x, down = x;
    up[j] += h;
    down[j] -= h;
    const real50 slope = (cross_entropy(std::span<const real50>(up), 2).loss -
                          cross_entropy(std::span<const real50>(down), 2).loss) /
                         (2 * h);
    EXPECT_LE(magnitude(real50(slope - gradient[j])), real50("1e-31")) << j;
  }
}

// A sum of 1,000 ones is exact; two logarithms, an exponential and two more operations are off by
// what the tier says of them.
TEST(cross_entropy, of_equal_logits_is_the_logarithm_of_their_number) {
  const row50 even(1000, real50(2.5));
  const auto of = cross_entropy(std::span<const real50>(even), 7);
  const real50 log_of_all = special<real50>::log(real50(1000)),
               allowed =
                   log_of_all * real50(2 * special<real50>::k_error + 2 * k_unit_roundoff<real50>);
  EXPECT_LE(magnitude(real50(of.loss - log_of_all)), allowed);
  EXPECT_LE(magnitude(real50(of.gradient[7] - (real50(1) / 1000 - 1))), allowed);
}

TEST(cross_entropy, has_policies) {
  const row x = {1, k_nan, 2}, nothing(3, -k_infinity), masked = {1, -k_infinity, 2};
  for (const std::int64_t ignored : {-1, -100}) {
    const auto of = cross_entropy_with_error(x, ignored);
    EXPECT_EQ(of.loss.value, 0);
    for (const approximation& each : of.gradient) EXPECT_EQ(each.value, 0);
  }
  for (const auto& of : {cross_entropy_with_error(x, 0), cross_entropy_with_error(masked, 3)}) {
    EXPECT_TRUE(is_nan(of.loss.value));
    for (const approximation& each : of.gradient) EXPECT_TRUE(is_nan(each.value));
  }
  const auto hidden = cross_entropy_with_error(masked, 1),
             all = cross_entropy_with_error(nothing, 1);
  EXPECT_EQ(hidden.loss.value, k_infinity);
  EXPECT_EQ(hidden.gradient[1].value, -1);
  EXPECT_EQ(all.loss.value, k_infinity);
  EXPECT_EQ(all.gradient[0].value, 0);
  EXPECT_EQ(all.gradient[1].value, -1);
}

TEST(cross_entropy, adds_up_and_averages_what_counts) {
  const std::vector<approximation> losses = {{3, 0x1p-40}, {0, 0}, {5, 0x1p-40}};
  EXPECT_EQ(total_loss_with_error(losses, 2, false).value, 8);
  EXPECT_EQ(total_loss_with_error(losses, 2, true).value, 4);
  EXPECT_GE(total_loss_with_error(losses, 2, true).error, 0x1p-40);
  EXPECT_EQ(total_loss_with_error({}, 0, true).value, 0);
  EXPECT_EQ(total_loss(std::span<const double>(row{3, 0, 5}), 2, true), 4);
  EXPECT_EQ(total_loss(std::span<const double>(row{}), 0, true), 0);
  EXPECT_EQ(total_loss(std::span<const double>(row{k_infinity, 1}), 2, true), k_infinity);
}

}  // namespace
}  // namespace assay::reference
