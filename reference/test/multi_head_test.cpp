// Multi-head attention: what R0 states of its own error, against R1; that its parts are linear maps
// and attention; the policies.

#include "reference/multi_head.hpp"

#include "reference/elementwise.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::reference {
namespace {

struct problem {
  std::int64_t tokens = 1, channels = 1, heads = 1;
  bool causal = false;
  double spread = 1;  // of queries and keys, about
};

template <class T>
struct tensors {
  std::vector<T> x, w_qkv, b_qkv, w_out, b_out;

  multi_head_weights<T> weights() const { return {{w_qkv, b_qkv}, {w_out, b_out}}; }
};

std::vector<double> drawn(test::generator& random, std::int64_t count, double spread) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back(round(k_fp32, random.uniform(-spread, spread)));
  return all;
}

tensors<double> drawn(test::generator& random, const problem& p) {
  const std::int64_t c = p.channels;
  const double root = std::sqrt(double(c));
  return {drawn(random, p.tokens * c, 1), drawn(random, 3 * c * c, p.spread * 2 / root),
          drawn(random, 3 * c, p.spread), drawn(random, c * c, 2 / root), drawn(random, c, 1)};
}

std::vector<real50> in_50_digits(const std::vector<double>& x) { return {x.begin(), x.end()}; }
tensors<real50> in_50_digits(const tensors<double>& all) {
  return {in_50_digits(all.x), in_50_digits(all.w_qkv), in_50_digits(all.b_qkv),
          in_50_digits(all.w_out), in_50_digits(all.b_out)};
}

std::vector<real50> exact_of(const tensors<real50>& all, const problem& p) {
  const real50 scale =
      real50(1) / special<real50>::sqrt(real50(double(p.channels) / double(p.heads)));
  return multi_head(std::span<const real50>(all.x), all.weights(), p.heads, p.causal, scale);
}

TEST(multi_head, of_double_keeps_the_error_it_states) {
  test::generator random(41);
  for (const problem& p : {problem{1, 1, 1},
                           {1, 4, 2, true},
                           {3, 6, 3},
                           {17, 32, 1, true},
                           {9, 64, 4},
                           {12, 24, 24, true},
                           {5, 16, 2, false, 8},
                           {40, 8, 2, true, 0.01}}) {
    const tensors<double> all = drawn(random, p);
    const std::vector<approximation> stated =
        multi_head_with_error(all.x, all.weights(), p.heads, p.causal);
    const std::vector<real50> exact = exact_of(in_50_digits(all), p);
    ASSERT_EQ(stated.size(), exact.size());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_LE(magnitude(real50(stated[i].value) - exact[i]), real50(stated[i].error));
      // As little as the verdicts want to know it: they allow several ULPs of the largest terms.
      EXPECT_LE(stated[i].error,
                k_truth_resolution * ulp(k_fp32, 1) * p.spread * p.spread + 0x1p-40)
          << p.tokens << " " << p.channels;
    }
  }
}

// Queries, keys and values from three matrices of their own, each head's attention by itself, and
// what each head adds to y through its own rows of W_out.
TEST(multi_head, is_the_sum_over_heads_of_attention_of_three_projections) {
  test::generator random(43);
  const problem p{7, 12, 3, true};
  const std::int64_t c = p.channels, width = c / p.heads;
  const tensors<real50> all = in_50_digits(drawn(random, p));
  const std::vector<real50> y = exact_of(all, p);
  const real50 scale = real50(1) / special<real50>::sqrt(real50(double(width)));
  std::vector<real50> sum;
  for (std::int64_t i = 0; i < p.tokens; ++i)
    sum.insert(sum.end(), all.b_out.begin(), all.b_out.end());
  for (std::int64_t h = 0; h < p.heads; ++h) {
    std::vector<std::vector<real50>> parts;
    for (std::int64_t part = 0; part < 3; ++part) {
      std::vector<real50> w, b;
      for (std::int64_t k = 0; k < c; ++k)
        for (std::int64_t d = 0; d < width; ++d)
          w.push_back(all.w_qkv[std::size_t(k * 3 * c + part * c + h * width + d)]);
      for (std::int64_t d = 0; d < width; ++d)
        b.push_back(all.b_qkv[std::size_t(part * c + h * width + d)]);
      parts.push_back(linear(std::span<const real50>(all.x), linear_map<real50>{w, b}));
    }
    for (std::int64_t i = 0; i < p.tokens; ++i) {
      const auto rows = [&](int part) {
        return head_matrix<real50>{parts[std::size_t(part)].data(), i + 1, width, width};
      };
      const auto o = attend(rows(0).row(i), rows(1), rows(2), scale).o;
      for (std::int64_t n = 0; n < c; ++n)
        for (std::int64_t d = 0; d < width; ++d)
          sum[std::size_t(i * c + n)] +=
              o[std::size_t(d)] * all.w_out[std::size_t((h * width + d) * c + n)];
    }
  }
  // The same products, added in two orders.
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_LE(magnitude(real50(y[i] - sum[i])), real50(64 * 12 * k_unit_roundoff<real50>));
}

TEST(multi_head, sees_nothing_infinite_or_no_number_as_the_policies_say) {
  // One channel; queries are 0, so that weights are equal.
  const auto of = [](const std::vector<double>& x, double w_v, double w_out, bool causal) {
    const std::vector<double> w_qkv{0, 0, w_v}, b_qkv{0, 0, 0}, out{w_out}, b_out{10};
    return multi_head(std::span<const double>(x),
                      multi_head_weights<double>{{w_qkv, b_qkv}, {out, b_out}}, 1, causal, 1.0);
  };
  EXPECT_EQ(of({1, 3}, 1, 2, false), (std::vector<double>{14, 14}));
  EXPECT_EQ(of({1, 3}, 1, 2, true), (std::vector<double>{12, 14}));
  EXPECT_EQ(of({1, k_nan}, 1, 2, true)[0], 12);
  EXPECT_TRUE(std::isnan(of({1, k_nan}, 1, 2, true)[1]));
  EXPECT_TRUE(std::isnan(of({1, k_nan}, 1, 2, false)[0]));
  EXPECT_TRUE(std::isnan(of({1, 3}, 0, k_infinity, false)[0]));
  EXPECT_EQ(of({1, 3}, 1, k_infinity, false)[0], k_infinity);
}

}  // namespace
}  // namespace assay::reference
