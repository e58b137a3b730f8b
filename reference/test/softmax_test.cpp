// Softmax: what R0 states of its own error, against R1; the properties of the mathematics; the
// gradients against differences at 50 digits.

#include "reference/softmax.hpp"

#include "reference/elementwise.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace assay::reference {
namespace {

using row = std::vector<double>;
using row50 = std::vector<real50>;

row50 in_50_digits(const row& x) { return {x.begin(), x.end()}; }

// Rows of fp32 scores of every kind: even, spread out, far apart, with -infinity among them.
std::vector<row> rows_of_scores() {
  test::generator random(17);
  std::vector<row> all = {
      {0}, {3, 3}, {1, -k_infinity, 2}, {3e38, -3e38, 0}, {0x1p-149, 0, -0x1p-149}};
  for (const double width : {0.01, 1.0, 20.0, 700.0})
    for (const std::size_t n : {1u, 2u, 3u, 17u, 256u}) {
      row x;
      for (std::size_t j = 0; j < n; ++j) x.push_back(round(k_fp32, random.uniform(-width, width)));
      all.push_back(x);
    }
  row wide;
  for (int j = 0; j < 64; ++j) wide.push_back(round(k_fp32, random.with_exponent(-120, 120)));
  all.push_back(wide);
  return all;
}

// Each value of R0 within what it states of the same in R1; and what it states is as little as the
// verdicts want to know it (k_truth_resolution of an fp32 ULP, of the row's largest value or of 1).
void expect_within(const std::vector<approximation>& stated, const row50& exact) {
  ASSERT_EQ(stated.size(), exact.size());
  double largest = 1;
  for (const real50& each : exact)
    if (is_finite(each)) largest = std::max(largest, std::abs(static_cast<double>(each)));
  for (std::size_t j = 0; j < exact.size(); ++j) {
    const double value = static_cast<double>(exact[j]);
    if (!is_finite(exact[j])) {
      EXPECT_EQ(stated[j].value, value);
      continue;
    }
    EXPECT_LE(magnitude(real50(stated[j].value) - exact[j]), real50(stated[j].error)) << j;
    EXPECT_LE(stated[j].error, k_truth_resolution * ulp(k_fp32, largest)) << j;
  }
}

TEST(softmax, of_double_keeps_the_error_it_states) {
  for (const row& x : rows_of_scores())
    for (const double temperature : {1.0, 0.75, 0x1p-20, 0x1p40}) {
      const row50 exact = softmax(std::span<const real50>(in_50_digits(x)), real50(temperature));
      expect_within(softmax_with_error(x, temperature), exact);
    }
}

// Scores and masks of every size against each other: sums that double does not have, that cancel,
// and of which one side is nothing.
TEST(softmax, of_double_under_an_added_mask_keeps_the_error_it_states) {
  test::generator random(31);
  for (const row& x : rows_of_scores())
    for (const double width : {0.0, 1.0, 1e4, 3e38}) {
      row mask;
      for (const double each : x) {
        const double kind = random.uniform(0, 4), even = random.uniform(-width, width),
                     wide = random.with_exponent(-120, 120);
        const double m = kind < 1                      ? -k_infinity
                         : kind < 2                    ? even
                         : kind < 3 && is_finite(each) ? -each
                                                       : wide;
        mask.push_back(round(k_fp32, m));
      }
      const row50 x50 = in_50_digits(x), mask50 = in_50_digits(mask);
      const row50 sums = added(std::span<const real50>(x50), std::span<const real50>(mask50));
      expect_within(additive_softmax_with_error(x, mask), softmax(std::span<const real50>(sums)));
    }
}

// 1e30 + 1 and 1e30 differ by 1, which is nothing to double.
TEST(softmax, of_double_under_an_added_mask_loses_no_digit_of_a_sum) {
  const std::vector<approximation> p =
      additive_softmax_with_error(row{0x1p100, 0x1p100}, row{1, 0});
  EXPECT_LE(std::abs(p[1].value - 1 / (1 + std::exp(1.0))), p[1].error + 0x1p-54);
}

TEST(softmax, under_an_added_mask_has_its_policies) {
  const std::vector<approximation> p = additive_softmax_with_error(
      row{k_nan, 1, k_infinity, -k_infinity}, row{-k_infinity, 0, -k_infinity, 5});
  EXPECT_EQ(p[0].value, 0);
  EXPECT_EQ(p[1].value, 1);
  EXPECT_EQ(p[2].value, 0);
  EXPECT_EQ(p[3].value, 0);
  for (const double strange : {k_nan, k_infinity}) {
    EXPECT_TRUE(is_nan(additive_softmax_with_error(row{1, 2}, row{0, strange})[0].value));
    EXPECT_TRUE(is_nan(additive_softmax_with_error(row{1, -k_infinity}, row{0, strange})[0].value));
    EXPECT_TRUE(is_nan(additive_softmax_with_error(row{1, strange}, row{0, 0})[0].value));
  }
  for (const approximation& each : additive_softmax_with_error(row{1, 2}, row(2, -k_infinity)))
    EXPECT_EQ(each.value, 0);
}

TEST(log_softmax, of_double_keeps_the_error_it_states) {
  for (const row& x : rows_of_scores())
    expect_within(log_softmax_with_error(x), log_softmax(std::span<const real50>(in_50_digits(x))));
}

TEST(softmax_gradients, of_double_keep_the_error_they_state) {
  test::generator random(23);
  for (const row& x : rows_of_scores()) {
    row y, dy, log_y;
    for (const approximation& each : softmax_with_error(x)) y.push_back(round(k_fp32, each.value));
    for (const approximation& each : log_softmax_with_error(x))
      log_y.push_back(round(k_fp32, each.value));
    for (std::size_t j = 0; j < x.size(); ++j) dy.push_back(round(k_fp32, random.uniform(-4, 4)));
    const row50 y50 = in_50_digits(y), dy50 = in_50_digits(dy), log50 = in_50_digits(log_y);
    expect_within(softmax_gradient_with_error(y, dy, 0.75),
                  softmax_gradient(std::span<const real50>(y50), std::span<const real50>(dy50),
                                   real50(0.75)));
    expect_within(
        log_softmax_gradient_with_error(log_y, dy),
        log_softmax_gradient(std::span<const real50>(log50), std::span<const real50>(dy50)));
  }
}

// sum_k dy_k (f_k(x + h e_j) - f_k(x - h e_j)) / 2h, off by h^2 times third derivatives.
real50 difference(const std::function<row50(const row50&)>& f, const row50& x, const row50& dy,
                  std::size_t j) {
  const real50 h("1e-16");
  row50 right = x, left = x;
  right[j] += h;
  left[j] -= h;
  const row50 above = f(right), below = f(left);
  real50 sum = 0;
  for (std::size_t k = 0; k < x.size(); ++k) sum += dy[k] * (above[k] - below[k]);
  return sum / (2 * h);
}

TEST(softmax_gradients, are_the_differences_at_50_digits) {
  test::generator random(29);
  row50 x, dy;
  for (int j = 0; j < 12; ++j) {
    x.emplace_back(random.uniform(-3, 3));
    dy.emplace_back(random.uniform(-2, 2));
  }
  const real50 temperature("0.7");
  const auto soft = [&](const row50& at) {
    return softmax(std::span<const real50>(at), temperature);
  };
  const auto log_of = [](const row50& at) { return log_softmax(std::span<const real50>(at)); };
  const row50 p = soft(x), l = log_of(x),
              dx = softmax_gradient(std::span<const real50>(p), std::span<const real50>(dy),
                                    temperature),
              dl = log_softmax_gradient(std::span<const real50>(l), std::span<const real50>(dy));
  // |third derivatives| <= 6 / temperature^3 and |dy| <= 2, 12 of them: h^2 times less than 100.
  const real50 allowed("1e-30");
  for (std::size_t j = 0; j < x.size(); ++j) {
    EXPECT_LE(magnitude(difference(soft, x, dy, j) - dx[j]), allowed);
    EXPECT_LE(magnitude(difference(log_of, x, dy, j) - dl[j]), allowed);
  }
}

TEST(softmax_gradients, of_what_is_no_number_are_none) {
  const row dy = {1, -2, 3};
  const auto of_log = log_softmax_gradient_with_error(row{-0.5, k_nan, -k_infinity}, dy);
  EXPECT_FALSE(is_nan(of_log[0].value));
  EXPECT_TRUE(is_nan(of_log[1].value));
  EXPECT_EQ(of_log[2].value, 3);
  for (const approximation& each : softmax_gradient_with_error(row{0.5, k_nan, 0.25}, dy))
    EXPECT_TRUE(is_nan(each.value));
}

TEST(softmax, sums_to_1_and_its_gradient_to_0) {
  for (const row& x : rows_of_scores()) {
    const row50 p = softmax(std::span<const real50>(in_50_digits(x)));
    row50 dp(p.size());
    for (std::size_t j = 0; j < p.size(); ++j) dp[j] = real50(double(j % 7) - 3);
    real50 sum = 0, gradient = 0;
    for (const real50& each : p) sum += each;
    for (const real50& each :
         softmax_gradient(std::span<const real50>(p), std::span<const real50>(dp)))
      gradient += each;
    EXPECT_LE(magnitude(sum - 1), real50(0x1p-150));
    EXPECT_LE(magnitude(gradient), real50(0x1p-145));
  }
}

TEST(softmax, of_equal_scores_is_even) {
  for (const std::size_t n : {1u, 2u, 3u, 1000u}) {
    const row50 p = softmax(std::span<const real50>(row50(n, real50("2.5"))));
    for (const real50& each : p) EXPECT_EQ(each, real50(1) / real50(double(n)));
  }
}

TEST(softmax, tends_to_the_largest_where_it_is_cold_and_to_even_where_it_is_hot) {
  const row50 x = in_50_digits({1, 3, 2.5});
  const row50 cold = softmax(std::span<const real50>(x), real50("1e-3")),
              hot = softmax(std::span<const real50>(x), real50("1e20"));
  EXPECT_LE(magnitude(cold[1] - 1), real50("1e-200"));
  for (const real50& each : hot) EXPECT_LE(magnitude(each - real50(1) / 3), real50("1e-19"));
}

// A masked score must be -infinity: e^0 = 1 leaks.
TEST(softmax, masks_with_minus_infinity_and_leaks_with_zero) {
  const row50 masked = softmax(std::span<const real50>(in_50_digits({-1, -2, -k_infinity})));
  const row50 zeroed = softmax(std::span<const real50>(in_50_digits({-1, -2, 0})));
  EXPECT_EQ(masked[2], real50(0));
  EXPECT_EQ(masked[0], softmax(std::span<const real50>(in_50_digits({-1, -2})))[0]);
  EXPECT_GT(zeroed[2], real50(0.6));
  EXPECT_LT(softmax(std::span<const real50>(in_50_digits({-1, -3e38})))[1], real50("1e-30"));
}

TEST(softmax, has_a_policy_for_rows_that_have_no_softmax) {
  const row nothing(3, -k_infinity);
  for (const approximation& each : softmax_with_error(nothing)) EXPECT_EQ(each.value, 0);
  for (const approximation& each : log_softmax_with_error(nothing))
    EXPECT_EQ(each.value, -k_infinity);
  EXPECT_TRUE(softmax_with_error({}).empty());
  for (const double strange : {k_nan, k_infinity})
    for (const approximation& each : softmax_with_error(row{0, strange, -k_infinity}))
      EXPECT_TRUE(is_nan(each.value));
}

}  // namespace
}  // namespace assay::reference
