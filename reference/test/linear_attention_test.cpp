// Linear attention: what R0 states of its own error, against R1; the policies; that it is not
// softmax attention, and by how much.

#include "reference/linear_attention.hpp"

#include "reference/elementwise.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace assay::reference {
namespace {

template <class T>
head_matrix<T> matrix(const std::vector<T>& elements, std::int64_t width) {
  return {elements.data(), std::int64_t(elements.size()) / width, width, width};
}

std::vector<real50> in_50_digits(const std::vector<double>& x) { return {x.begin(), x.end()}; }

std::vector<double> features_of(const std::vector<double>& x) {
  return linear_features(std::span<const double>(x));
}

std::vector<approximation> stated_of(const std::vector<double>& q, const std::vector<double>& k,
                                     const std::vector<double>& v) {
  const std::vector<double> query = features_of(q), keys = features_of(k);
  const auto width = std::int64_t(q.size());
  return attend_linearly_with_error(std::span<const double>(query), matrix(keys, width),
                                    matrix(v, width));
}

struct problem {
  std::int64_t width = 1, keys = 1;
  double low = -1, high = 1;  // of queries and keys
};

std::vector<double> drawn(test::generator& random, std::int64_t count, double low, double high) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(round(k_fp32, random.uniform(low, high)));
  return all;
}

TEST(linear_attention, of_double_keeps_the_error_it_states) {
  test::generator random(29);
  for (const problem& p : {problem{1, 1, -1, 1},
                           {4, 1, -3, 3},
                           {3, 7, -0.01, 0.01},
                           {64, 33, -1, 1},
                           {32, 100, -40, 4},
                           {128, 40, 0, 1000},
                           {2, 5, -300, -200},
                           {8, 300, -8, 8}})
    for (int trial = 0; trial < 3; ++trial) {
      const auto q = drawn(random, p.width, p.low, p.high),
                 k = drawn(random, p.width * p.keys, p.low, p.high),
                 v = drawn(random, p.width * p.keys, -1, 1);
      const std::vector<approximation> stated = stated_of(q, k, v);
      const auto q50 = in_50_digits(q), k50 = in_50_digits(k), v50 = in_50_digits(v);
      const std::vector<real50> exact =
          attend_linearly(std::span<const real50>(q50), matrix(k50, p.width), matrix(v50, p.width));
      for (std::size_t d = 0; d < exact.size(); ++d) {
        EXPECT_LE(magnitude(real50(stated[d].value) - exact[d]), real50(stated[d].error));
        // As little as the verdicts want to know it, of values up to 1.
        EXPECT_LE(stated[d].error, k_truth_resolution * ulp(k_fp32, 1));
      }
    }
}

// Where features are below what double can multiply, R0 knows no more than that o lies among the
// values, and says so.
TEST(linear_attention, of_features_that_double_cannot_hold_states_an_error_of_the_values_size) {
  const std::vector<double> q = {-2000, -3000}, k = {-2500, -2600, -2550, -2650}, v = {1, 2, 3, 5};
  const std::vector<approximation> stated = stated_of(q, k, v);
  const auto q50 = in_50_digits(q), k50 = in_50_digits(k), v50 = in_50_digits(v);
  const auto exact = attend_linearly(std::span<const real50>(q50), matrix(k50, 2), matrix(v50, 2));
  for (std::size_t d = 0; d < 2; ++d) {
    EXPECT_LE(magnitude(real50(stated[d].value) - exact[d]), real50(stated[d].error));
    EXPECT_EQ(stated[d].error, 2 * (d == 0 ? 3 : 5));
  }
}

TEST(linear_attention, has_features_that_join_at_zero) {
  EXPECT_EQ(linear_feature(0.0), 1);
  EXPECT_EQ(linear_feature(-0.0), 1);
  EXPECT_EQ(linear_feature(0x1p-40), 1 + 0x1p-40);
  EXPECT_EQ(linear_feature(3.0), 4);
  EXPECT_LT(linear_feature(-0x1p-40), 1);
  EXPECT_EQ(linear_feature(-1.0), std::exp(-1.0));
  EXPECT_EQ(linear_feature(-k_infinity), 0);
  EXPECT_EQ(linear_feature(k_infinity), k_infinity);
  EXPECT_GT(linear_feature(-1e30) * linear_feature(-1e30), 0);
  EXPECT_TRUE(std::isnan(linear_feature(k_nan)));
}

// phi(1) = 2, phi(3) = 4, phi(0) = 1: weights 8 and 2, by hand.
TEST(linear_attention, is_a_mean_by_products_of_features) {
  const std::vector<double> q = {1}, k = {3, 0}, v = {10, 20};
  const auto o = attend_linearly(std::span<const double>(q), matrix(k, 1), matrix(v, 1));
  EXPECT_EQ(o, std::vector<double>{12});
}

// The identity that it is named for: a state of width x width, and no matrix of queries and keys.
TEST(linear_attention, is_a_query_times_a_state_of_all_keys) {
  test::generator random(31);
  constexpr std::int64_t k_width = 5, k_count = 9;
  const auto q = in_50_digits(drawn(random, k_width, -2, 2)),
             k = in_50_digits(drawn(random, k_width * k_count, -2, 2)),
             v = in_50_digits(drawn(random, k_width * k_count, -2, 2));
  const auto o =
      attend_linearly(std::span<const real50>(q), matrix(k, k_width), matrix(v, k_width));
  for (std::int64_t column = 0; column < k_width; ++column) {
    real50 above(0), below(0);
    for (std::int64_t d = 0; d < k_width; ++d) {
      real50 product(0), sum(0);
      for (std::int64_t j = 0; j < k_count; ++j) {
        const real50 feature = linear_feature(k[std::size_t(j * k_width + d)]);
        product += feature * v[std::size_t(j * k_width + column)];
        sum += feature;
      }
      const real50 feature = linear_feature(q[std::size_t(d)]);
      above += feature * product;
      below += feature * sum;
    }
    // Either side errs by 2 (n + D + 3) u of a mean of magnitudes of 2 at most: two sums and a
    // quotient of the same features.
    const double roundings = 8 * (k_count + k_width + 3) * k_unit_roundoff<real50>;
    EXPECT_LE(magnitude(real50(above / below) - o[std::size_t(column)]), real50(roundings));
  }
}

TEST(linear_attention, sees_nothing_infinite_or_no_number_as_the_policies_say) {
  const auto of = [&](double q, const std::vector<double>& k, const std::vector<double>& v) {
    const std::vector<double> one = {q};
    return attend_linearly(std::span<const double>(one), matrix(k, 1), matrix(v, 1))[0];
  };
  const std::vector<double> one = {1};
  const head_matrix<double> nothing{nullptr, 0, 1, 1};
  EXPECT_EQ(attend_linearly(std::span<const double>(one), nothing, nothing)[0], 0);
  EXPECT_EQ(of(1, {-k_infinity, 3}, {k_nan, 7}), 7);
  EXPECT_EQ(of(1, {-k_infinity}, {k_nan}), 0);
  EXPECT_EQ(of(-k_infinity, {1, 2}, {3, 4}), 0);
  EXPECT_TRUE(std::isnan(of(1, {k_infinity, 3}, {1, 7})));
  EXPECT_TRUE(std::isnan(of(k_infinity, {1, 3}, {1, 7})));
  EXPECT_TRUE(std::isnan(of(k_infinity, {-k_infinity}, {1})));
  EXPECT_TRUE(std::isnan(of(1, {k_nan, 3}, {1, 7})));
  EXPECT_EQ(of(1, {-2000, 3}, {k_infinity, 7}), k_infinity);
  EXPECT_TRUE(std::isnan(of(1, {1, 3}, {k_infinity, -k_infinity})));
}

// About normal: the sum of twelve uniform numbers, less 6; no logarithm of the machine's in it.
std::vector<double> normal(test::generator& random, std::int64_t count, double scale) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i) {
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += random.uniform(0, 1);
    all.push_back(scale * sum);
  }
  return all;
}

// How far linear attention lies from softmax attention, scores scaled by 1 / sqrt(width), relative
// to that one's root mean square; queries, keys and values normal, queries and keys times `scale`.
double distance_from_softmax(std::int64_t keys, double scale) {
  constexpr std::int64_t k_width = 64, k_queries = 25;
  test::generator random(37);
  double apart = 0, size = 0;
  for (std::int64_t i = 0; i < k_queries; ++i) {
    const auto q = normal(random, k_width, scale), k = normal(random, k_width * keys, scale),
               v = normal(random, k_width * keys, 1);
    const auto linear =
        attend_linearly(std::span<const double>(q), matrix(k, k_width), matrix(v, k_width));
    const auto softmax = attend(std::span<const double>(q), matrix(k, k_width), matrix(v, k_width),
                                1 / std::sqrt(double(k_width)))
                             .o;
    for (std::size_t d = 0; d < softmax.size(); ++d) {
      apart += (linear[d] - softmax[d]) * (linear[d] - softmax[d]);
      size += softmax[d] * softmax[d];
    }
  }
  return std::sqrt(apart / size);
}

// The figures of README.md.
TEST(linear_attention, is_as_far_from_softmax_attention_as_the_readme_says) {
  std::string figures;
  for (const double scale : {0.5, 1.0, 2.0})
    for (const std::int64_t keys : {16, 256})
      figures += fmt::format(" {:.2f}", distance_from_softmax(keys, scale));
  EXPECT_EQ(figures, " 0.23 0.23 0.70 0.75 0.92 0.99");
}

}  // namespace
}  // namespace assay::reference
