// Attention: what R0 states of its own error, against R1; what each mask lets a query see; the
// policies.

#include "reference/attention.hpp"

#include "reference/elementwise.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

template <class T>
head_matrix<T> matrix(const std::vector<T>& elements, std::int64_t width) {
  return {elements.data(), std::int64_t(elements.size()) / width, width, width};
}

std::vector<real50> in_50_digits(const std::vector<double>& x) { return {x.begin(), x.end()}; }

struct problem {
  std::int64_t width = 1, keys = 1;
  double spread = 1;  // of queries and keys
};

std::vector<double> drawn(test::generator& random, std::int64_t count, double spread) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back(round(k_fp32, random.uniform(-spread, spread)));
  return all;
}

void expect_within(const approximation& stated, const real50& exact) {
  EXPECT_LE(magnitude(real50(stated.value) - exact), real50(stated.error));
  // As little as the verdicts want to know it.
  const double largest = std::max(1.0, std::abs(static_cast<double>(exact)));
  EXPECT_LE(stated.error, k_truth_resolution * ulp(k_fp32, largest));
}

TEST(attention, of_double_keeps_the_error_it_states) {
  test::generator random(23);
  for (const problem& p : {problem{1, 1, 1},
                           {4, 1, 3},
                           {3, 7, 0.01},
                           {64, 33, 1},
                           {32, 100, 4},
                           {128, 40, 0.5},
                           {8, 300, 8}})
    for (int trial = 0; trial < 3; ++trial) {
      const auto q = drawn(random, p.width, p.spread),
                 k = drawn(random, p.width * p.keys, p.spread),
                 v = drawn(random, p.width * p.keys, 1);
      const double scale = 1 / std::sqrt(double(p.width));
      const attended_with_error stated = attend_with_error(
          std::span<const double>(q), matrix(k, p.width), matrix(v, p.width), scale, 2 * 0x1p-53);
      const auto q50 = in_50_digits(q), k50 = in_50_digits(k), v50 = in_50_digits(v);
      const attended<real50> exact =
          attend(std::span<const real50>(q50), matrix(k50, p.width), matrix(v50, p.width),
                 real50(1) / special<real50>::sqrt(real50(double(p.width))));
      for (std::size_t d = 0; d < exact.o.size(); ++d) expect_within(stated.o[d], exact.o[d]);
      expect_within(stated.lse, exact.lse);
    }
}

TEST(attention, of_equal_scores_is_the_mean) {
  const std::vector<double> q = {1, -1}, k = {2, 2, 5, 5, -3, -3}, v = {1, 10, 2, 20, 6, 60};
  const auto result = attend(std::span<const double>(q), matrix(k, 2), matrix(v, 2), 0.5);
  EXPECT_EQ(result.o, (std::vector<double>{3, 30}));
  // log1p(2): ours errs by k_error at most, that of the C library by less.
  EXPECT_NEAR(result.lse, std::log(3.0), 2 * special<double>::k_error * std::log(3.0));
}

TEST(attention, sees_nothing_infinite_or_no_number_as_the_policies_say) {
  const std::vector<double> q = {1};
  const auto of = [&](const std::vector<double>& k, const std::vector<double>& v) {
    return attend(std::span<const double>(q), matrix(k, 1), matrix(v, 1), 1.0);
  };
  const auto nothing = attend(std::span<const double>(q), head_matrix<double>{nullptr, 0, 1, 1},
                              head_matrix<double>{nullptr, 0, 1, 1}, 1.0);
  EXPECT_EQ(nothing.o, std::vector<double>{0});
  EXPECT_EQ(nothing.lse, -k_infinity);
  EXPECT_EQ(of({-k_infinity, 3}, {k_nan, 7}).o, std::vector<double>{7});
  EXPECT_EQ(of({-k_infinity}, {k_nan}).lse, -k_infinity);
  EXPECT_TRUE(std::isnan(of({k_infinity, 3}, {1, 7}).o[0]));
  EXPECT_TRUE(std::isnan(of({k_nan, 3}, {1, 7}).lse));
  EXPECT_EQ(of({-2000, 3}, {k_infinity, 7}).o, std::vector<double>{k_infinity});
  EXPECT_TRUE(std::isnan(of({1, 3}, {k_infinity, -k_infinity}).o[0]));
  EXPECT_EQ(of({1, 3}, {k_infinity, 0}).lse, 3 + std::log1p(std::exp(-2.0)));
}

TEST(attention_mask, lets_a_query_see_what_its_position_allows) {
  const attention_mask none, causal{{}, 0, {}}, window{2, 1, {}}, padded{{}, {}, 3};
  EXPECT_EQ(none.seen(0, 3, 5), (key_range{0, 5}));
  // Bottom-right aligned: the last query sees all keys, the first queries - 1 fewer.
  EXPECT_EQ(causal.seen(2, 3, 5), (key_range{0, 5}));
  EXPECT_EQ(causal.seen(0, 3, 5), (key_range{0, 3}));
  EXPECT_EQ(causal.seen(0, 5, 3), (key_range{0, 0}));
  EXPECT_EQ(causal.seen(2, 5, 3), (key_range{0, 1}));
  EXPECT_EQ(window.seen(0, 6, 6), (key_range{0, 2}));
  EXPECT_EQ(window.seen(3, 6, 6), (key_range{1, 5}));
  EXPECT_EQ(window.seen(0, 9, 3), (key_range{0, 0}));
  EXPECT_EQ(padded.seen(4, 5, 5), (key_range{0, 3}));
  EXPECT_EQ((attention_mask{{}, 0, -4}.seen(4, 5, 5)), (key_range{0, 0}));
  EXPECT_EQ((attention_mask{{}, 0, 2}.seen(4, 5, 5)), (key_range{0, 2}));
}

}  // namespace
}  // namespace assay::reference
