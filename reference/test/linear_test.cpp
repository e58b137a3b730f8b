// Products of matrices and what follows them: what R0 states of its own error, against R1; that the
// gradients are those of the layer; the policies.

#include "reference/linear.hpp"

#include "reference/elementwise.hpp"
#include "reference/gelu.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::reference {
namespace {

std::vector<double> drawn(test::generator& random, std::int64_t count, int low, int high) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back(round(k_fp32, random.with_exponent(low, high)));
  return all;
}
std::vector<real50> in_50_digits(const std::vector<double>& x) { return {x.begin(), x.end()}; }
template <class T>
matrix_view<T> matrix(const std::vector<T>& all, std::int64_t rows, std::int64_t columns) {
  return matrix_of(std::span<const T>(all), rows, columns);
}

void expect_within(const std::vector<approximation>& stated, const std::vector<real50>& exact) {
  ASSERT_EQ(stated.size(), exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i)
    EXPECT_LE(magnitude(real50(stated[i].value) - exact[i]), real50(stated[i].error)) << i;
}

// Terms of sizes from 2^low to 2^high: few of them, and many that cancel all but nothing.
TEST(linear, of_double_keeps_the_error_it_states_and_it_is_that_of_twice_the_precision) {
  test::generator random(3);
  for (const auto& [rows, in, out, low, high] :
       {std::tuple{1, 1, 1, 0, 0}, {3, 7, 5, -2, 2}, {2, 300, 9, 0, 0}, {4, 40, 6, -60, 60}}) {
    const std::vector<double> x = drawn(random, rows * in, low, high),
                              w = drawn(random, in * out, low, high),
                              b = drawn(random, out, low, high),
                              r = drawn(random, rows * out, low, high);
    const std::vector<approximation> stated =
        product_with_error(matrix(x, rows, in), matrix(w, in, out), b, r);
    const std::vector<real50> x50 = in_50_digits(x), w50 = in_50_digits(w), b50 = in_50_digits(b);
    std::vector<real50> exact = linear(std::span<const real50>(x50), linear_map<real50>{w50, b50});
    for (std::size_t i = 0; i < exact.size(); ++i) exact[i] = exact[i] + real50(r[i]);
    expect_within(stated, exact);
    double terms = 0;
    for (std::int64_t k = 0; k < in; ++k)
      terms += std::abs(x[std::size_t(k)] * w[std::size_t(k * out)]);
    EXPECT_LE(stated[0].error, 0x1p-52 * std::abs(stated[0].value) + 0x1p-90 * terms * in * in);
  }
}

TEST(linear, of_a_transposed_matrix_is_that_of_the_matrix) {
  test::generator random(5);
  const std::vector<double> x = drawn(random, 4 * 6, -1, 1), w = drawn(random, 6 * 3, -1, 1);
  std::vector<double> turned;
  for (std::size_t n = 0; n < 3; ++n)
    for (std::size_t k = 0; k < 6; ++k) turned.push_back(w[k * 3 + n]);
  const auto plain = product_with_error(matrix(x, 4, 6), matrix(w, 6, 3)),
             other = product_with_error(matrix(x, 4, 6), matrix(turned, 3, 6).transposed());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].value, other[i].value);
    EXPECT_EQ(plain[i].error, other[i].error);
  }
}

TEST(linear, sums_rows_as_if_multiplied_by_ones) {
  test::generator random(7);
  const std::vector<double> dy = drawn(random, 50 * 4, -20, 20), ones(50, 1);
  const auto sums = sum_of_rows_with_error(matrix(dy, 50, 4)),
             product = product_with_error(matrix(ones, 1, 50), matrix(dy, 50, 4));
  const std::vector<real50> dy50 = in_50_digits(dy);
  expect_within(sums, sum_of_rows(matrix(dy50, 50, 4)));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(sums[i].value, product[i].value);
}

// sum dy (y(x + h e) - y(x - h e)) / 2 h for each element of x, W and b, in 50 digits: the layer is
// linear in each of them, so that differences have no error but that of rounding.
TEST(linear, has_the_gradients_that_differences_of_it_give) {
  test::generator random(11);
  constexpr std::int64_t k_rows = 3, k_in = 4, k_out = 5;
  std::vector<real50> x = in_50_digits(drawn(random, k_rows * k_in, -2, 2)),
                      w = in_50_digits(drawn(random, k_in * k_out, -2, 2)),
                      b = in_50_digits(drawn(random, k_out, -2, 2));
  const std::vector<real50> dy = in_50_digits(drawn(random, k_rows * k_out, -2, 2));
  const auto loss = [&] {
    const std::vector<real50> y = linear(std::span<const real50>(x), linear_map<real50>{w, b});
    real50 sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += dy[i] * y[i];
    return sum;
  };
  const auto x_of = matrix(x, k_rows, k_in), w_of = matrix(w, k_in, k_out),
             dy_of = matrix(dy, k_rows, k_out);
  const auto expect_slopes = [&](std::vector<real50>& of, const std::vector<real50>& gradient) {
    ASSERT_EQ(of.size(), gradient.size());
    for (std::size_t i = 0; i < of.size(); ++i) {
      const real50 before = of[i], step = 0.5;
      of[i] = before + step;
      const real50 above = loss();
      of[i] = before - step;
      const real50 slope = above - loss();
      of[i] = before;
      EXPECT_LE(magnitude(real50(slope - gradient[i])), real50(0x1p-140)) << i;
    }
  };
  const std::vector<real50> dx = product(dy_of, w_of.transposed()),
                            dw = product(x_of.transposed(), dy_of), db = sum_of_rows(dy_of);
  expect_slopes(x, dx);
  expect_slopes(w, dw);
  expect_slopes(b, db);
}

TEST(linear, follows_ieee_754_where_a_term_is_no_number) {
  const std::vector<double> w = {1, 0, -1}, none;
  const auto of = [&](double x, double y, double z) {
    const std::vector<double> row = {x, y, z};
    return product_with_error(matrix(row, 1, 3), matrix(w, 3, 1))[0].value;
  };
  EXPECT_EQ(of(k_infinity, 1, 1), k_infinity);
  EXPECT_TRUE(std::isnan(of(k_infinity, 1, k_infinity)));
  EXPECT_TRUE(std::isnan(of(1, k_infinity, 1)));  // 0 times infinity
  EXPECT_TRUE(std::isnan(of(1, k_nan, 1)));
  EXPECT_EQ(product_with_error(matrix(none, 1, 0), matrix(none, 0, 1))[0].value, 0);
}

template <class Forward, class Slope>
void expect_gelu(gelu_form form, const Forward& forward, const Slope& slope) {
  test::generator random(13);
  double largest = 0;
  for (int i = 0; i < 1000; ++i) {
    const double x = random.uniform(-12, 12), off = std::exp2(random.uniform(-60, 2));
    const double y = x + random.uniform(-off, off);
    const approximation got = gelu_with_error(form, {y, std::abs(y - x) * (1 + 0x1p-40)});
    EXPECT_LE(magnitude(real50(got.value) - forward(real50(x))), real50(got.error))
        << x << " " << y;
    const double most = steepest_gelu(form, x - off, x + off);
    for (const double t : {-1.0, -0.6, -0.1, 0.0, 0.3, 0.8, 1.0})
      EXPECT_LE(std::abs(static_cast<double>(slope(real50(x + t * off)))), most) << x << " " << off;
    largest = std::max(largest, most);
  }
  EXPECT_EQ(largest, 1.13);
  // In the tail what is allowed is small, as what it is for is.
  EXPECT_LE(steepest_gelu(form, -8 - 0x1p-20, -8 + 0x1p-20), 1e-12);
  EXPECT_EQ(steepest_gelu(form, -k_infinity, k_infinity), 1.13);
}

TEST(linear, knows_what_an_error_becomes_in_a_gelu) {
  expect_gelu(
      gelu_form::erf, [](const real50& x) { return gelu_erf(x); },
      [](const real50& x) { return gelu_erf_derivative(x); });
  expect_gelu(
      gelu_form::tanh, [](const real50& x) { return gelu_tanh(x); },
      [](const real50& x) { return gelu_tanh_derivative(x); });
}

}  // namespace
}  // namespace assay::reference
