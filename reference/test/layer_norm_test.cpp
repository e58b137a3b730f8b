// Layer norm: what R0 states of its own error, against R1; the properties of the mathematics; the
// gradients against differences at 50 digits.

#include "reference/layer_norm.hpp"

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
std::span<const real50> seen(const row50& x) { return x; }

row random_row(test::generator& random, std::size_t n, double low, double high) {
  row x;
  for (std::size_t j = 0; j < n; ++j) x.push_back(round(k_fp32, random.uniform(low, high)));
  return x;
}

// Rows of fp32 numbers of every kind: about zero, far from it by 100 and by 2^20 of their spread,
// about 1e30 in steps of its last place, constant, cancelling, of every exponent.
std::vector<row> rows_of_numbers() {
  test::generator random(41);
  std::vector<row> all = {{0},          {3, 3},         {1, 2},
                          {1, -1, 0.5}, row(7, 0.1f),   {0x1p-149, 0, -0x1p-149},
                          {1e30f, 1},   row(33, 1e30f), {5, 5, 5, 6}};
  for (const std::size_t n : {1u, 2u, 3u, 17u, 256u}) {
    all.push_back(random_row(random, n, -1, 1));
    all.push_back(random_row(random, n, 99, 101));
    all.push_back(random_row(random, n, 0x1p20 - 1, 0x1p20 + 1));
    all.push_back(random_row(random, n, 1e30, 1e30 * (1 + 0x1p-19)));
  }
  row wide;
  for (int j = 0; j < 64; ++j) wide.push_back(round(k_fp32, random.with_exponent(-120, 60)));
  all.push_back(wide);
  return all;
}

// Within what is stated; and that is little against what fp32 can tell apart, in `scale`.
void expect_within(const approximation& stated, const real50& exact, double scale) {
  EXPECT_LE(magnitude(real50(stated.value) - exact), real50(stated.error));
  EXPECT_LE(stated.error, k_truth_resolution * ulp(k_fp32, scale));
}

TEST(layer_norm, of_double_keeps_the_error_it_states) {
  test::generator random(43);
  for (const row& x : rows_of_numbers())
    for (const double eps : {0.0, double(1e-5f), 1.0}) {
      const row gamma = random_row(random, x.size(), -2, 2),
                beta = random_row(random, x.size(), -2, 2);
      const layer_norm_results got = layer_norm_with_error(x, gamma, beta, eps);
      const row50 x50 = in_50_digits(x), gamma50 = in_50_digits(gamma),
                  beta50 = in_50_digits(beta);
      const row_statistics<real50> exact = statistics_of_row(seen(x50), real50(eps));
      const row50 y = layer_norm(seen(x50), seen(gamma50), seen(beta50), real50(eps));
      // Of a row of what cancels, the mean is as well known as its elements.
      double largest = 0;
      for (const double each : x) largest = std::max(largest, std::abs(each));
      expect_within(got.mean, exact.mean, std::max(largest, 0x1p-120));
      expect_within(got.rstd, exact.rstd, std::abs(got.rstd.value));
      for (std::size_t j = 0; j < x.size(); ++j) expect_within(got.y[j], y[j], 1);
    }
}

TEST(layer_norm_gradients, of_double_keep_the_error_they_state) {
  test::generator random(47);
  for (const row& x : rows_of_numbers()) {
    const std::size_t n = x.size();
    const row dy = random_row(random, n, -3, 3), gamma = random_row(random, n, -2, 2);
    const layer_norm_results forward = layer_norm_with_error(x, gamma, gamma, 1e-5f);
    const row_statistics<double> given{round(k_fp32, forward.mean.value),
                                       round(k_fp32, forward.rstd.value)};
    const row_statistics<real50> given50{given.mean, given.rstd};
    const row50 x50 = in_50_digits(x), dy50 = in_50_digits(dy), gamma50 = in_50_digits(gamma);
    const row50 dx = layer_norm_gradient(seen(dy50), seen(x50), seen(gamma50), given50),
                xhat = normalized(seen(x50), given50);
    const auto stated = layer_norm_gradient_with_error(dy, x, gamma, given);
    // What is combined: rstd times the largest w and, xhat being what the statistics make of x, its
    // products.
    double largest = 1;
    for (const real50& each : xhat) largest = std::max(largest, std::abs(double(each)));
    real50 dot = 0, terms = 0;
    for (std::size_t j = 0; j < n; ++j) {
      expect_within(stated[j], dx[j], std::max(1.0, 6 * given.rstd * largest * largest));
      dot += dy50[j] * xhat[j];
      terms += magnitude(real50(dy50[j] * xhat[j]));
    }
    // A row as a column: the sum of dy xhat with the same statistics in every place.
    const std::vector<row_statistics<double>> same(n, given);
    expect_within(layer_norm_gamma_gradient(dy, x, same), dot, std::max(1.0, double(terms)));
  }
}

// sum_k dy_k (y_k(at + h) - y_k(at - h)) / 2h, off by h^2 times third derivatives.
TEST(layer_norm_gradients, are_the_differences_at_50_digits) {
  test::generator random(53);
  const std::size_t n = 12;
  const row50 x = in_50_digits(random_row(random, n, -3, 3)),
              gamma = in_50_digits(random_row(random, n, -2, 2)),
              beta = in_50_digits(random_row(random, n, -2, 2)),
              dy = in_50_digits(random_row(random, n, -2, 2));
  const real50 eps("1e-5"), h("1e-16"), allowed("1e-28");
  const auto loss = [&](const row50& at, const row50& scale, const row50& shift) {
    const row50 y = layer_norm(seen(at), seen(scale), seen(shift), eps);
    real50 sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += dy[k] * y[k];
    return sum;
  };
  const auto moved = [&](row50 of, std::size_t j, const real50& by) {
    of[j] += by;
    return of;
  };
  const row_statistics<real50> own = statistics_of_row(seen(x), eps);
  const row50 dx = layer_norm_gradient(seen(dy), seen(x), seen(gamma), own),
              xhat = normalized(seen(x), own);
  for (std::size_t j = 0; j < n; ++j) {
    const auto difference = [&](const std::function<real50(const real50&)>& at) {
      return real50((at(h) - at(-h)) / (2 * h));
    };
    EXPECT_LE(magnitude(real50(difference([&](const real50& by) {
                                 return loss(moved(x, j, by), gamma, beta);
                               }) -
                               dx[j])),
              allowed);
    EXPECT_LE(magnitude(real50(difference([&](const real50& by) {
                                 return loss(x, moved(gamma, j, by), beta);
                               }) -
                               dy[j] * xhat[j])),
              allowed);
    EXPECT_LE(magnitude(real50(difference([&](const real50& by) {
                                 return loss(x, gamma, moved(beta, j, by));
                               }) -
                               dy[j])),
              allowed);
  }
}

TEST(layer_norm, has_mean_0_and_variance_less_than_1) {
  for (const row& x : rows_of_numbers()) {
    const row50 x50 = in_50_digits(x);
    const row_statistics<real50> own = statistics_of_row(seen(x50), real50(0.5));
    real50 sum = 0, squares = 0, spread = 0;
    const row50 xhat = normalized(seen(x50), own);
    for (std::size_t j = 0; j < x.size(); ++j) {
      sum += xhat[j];
      squares += xhat[j] * xhat[j];
      spread += (x50[j] - own.mean) * (x50[j] - own.mean);
    }
    const real50 n = double(x.size()), variance = spread / n;
    EXPECT_LE(magnitude(sum), real50(0x1p-60));  // 1e30 against 1 in 168 bits
    EXPECT_LE(magnitude(real50(squares / n - variance / (variance + real50(0.5)))),
              real50(0x1p-140));
  }
}

TEST(layer_norm, has_a_policy_for_rows_without_spread) {
  const row gamma = {2, -3, 5}, beta = {0.5, 0.25, -1};
  for (const double value : {0.0, 0.1, -1e30, 0x1p-149}) {
    const layer_norm_results got =
        layer_norm_with_error(row(3, round(k_fp32, value)), gamma, beta, 0);
    EXPECT_EQ(got.rstd.value, 0);
    EXPECT_EQ(got.rstd.error, 0);
    EXPECT_EQ(got.mean.value, round(k_fp32, value));
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(got.y[j].value, beta[j]);
      EXPECT_LE(got.y[j].error, 0x1p-52);
    }
    EXPECT_EQ(statistics_of_row(std::span<const double>(row(4, value)), 0.0).rstd, 0);
  }
}

TEST(layer_norm, of_nothing_has_mean_and_variance_0) {
  const layer_norm_results got = layer_norm_with_error({}, {}, {}, 0.25);
  EXPECT_EQ(got.mean.value, 0);
  EXPECT_EQ(got.rstd.value, 2);
  EXPECT_TRUE(got.y.empty());
}

TEST(layer_norm, of_what_is_no_number_is_none) {
  for (const double strange : {k_nan, k_infinity, -k_infinity}) {
    const layer_norm_results got =
        layer_norm_with_error(row{1, strange, 2}, row{1, 1, 1}, row{0, 0, 0}, 1);
    EXPECT_TRUE(is_nan(got.mean.value) && is_nan(got.rstd.value));
    for (const approximation& each : got.y) EXPECT_TRUE(is_nan(each.value));
  }
  const layer_norm_results got =
      layer_norm_with_error(row{1, 2}, row{k_infinity, 1}, row{0, k_nan}, 1);
  EXPECT_EQ(got.y[0].value, -k_infinity);
  EXPECT_TRUE(is_nan(got.y[1].value));
  EXPECT_EQ(got.y[0].error, 0);
}

}  // namespace
}  // namespace assay::reference
