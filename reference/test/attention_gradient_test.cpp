// Gradients of attention: what R0 states of its own error, against R1; R1 against differences of
// the forward pass; the policies.

#include "reference/attention_gradient.hpp"

#include "reference/elementwise.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

// Tensors of one head, and what the forward pass makes of them.
template <real R>
struct problem {
  std::int64_t width;
  R scale;
  std::vector<R> q, k, v, grad, o, lse;
  std::vector<key_range> seen;

  static head_matrix<R> rows(const std::vector<R>& of, std::int64_t width) {
    return {of.data(), std::int64_t(of.size()) / width, width, width};
  }
  void attend_all() {
    o.clear(), lse.clear();
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const attended<R> row = attend(rows(q, width).row(std::int64_t(i)),
                                     rows(k, width).rows(seen[i].first, seen[i].last),
                                     rows(v, width).rows(seen[i].first, seen[i].last), scale);
      o.insert(o.end(), row.o.begin(), row.o.end());
      lse.push_back(row.lse);
    }
  }
  attention_results<R> results() const {
    return {rows(q, width),
            rows(k, width),
            rows(v, width),
            rows(o, width),
            rows(grad, width),
            lse,
            seen};
  }
  // What grad is the gradient of: the sum of its products with o.
  R loss() {
    attend_all();
    R sum(0);
    for (std::size_t i = 0; i < o.size(); ++i) sum = sum + grad[i] * o[i];
    return sum;
  }
};

struct sizes {
  std::int64_t width = 1, queries = 1, keys = 1;
  double spread = 1;
};

problem<double> drawn(test::generator& random, const sizes& of, const attention_mask& mask) {
  problem<double> p{of.width, 1 / std::sqrt(double(of.width)), {}, {}, {}, {}, {}, {}, {}};
  const auto fill = [&](std::vector<double>& x, std::int64_t rows, double spread) {
    for (std::int64_t i = 0; i < rows * of.width; ++i)
      x.push_back(round(k_fp32, random.uniform(-spread, spread)));
  };
  fill(p.q, of.queries, of.spread), fill(p.k, of.keys, of.spread);
  fill(p.v, of.keys, 1), fill(p.grad, of.queries, 1);
  for (std::int64_t i = 0; i < of.queries; ++i) p.seen.push_back(mask.seen(i, of.queries, of.keys));
  p.attend_all();
  for (auto* each : {&p.o, &p.lse})
    for (double& x : *each) x = round(k_fp32, x);
  return p;
}

problem<real50> in_50_digits(const problem<double>& p) {
  const auto wide = [](const std::vector<double>& x) {
    return std::vector<real50>(x.begin(), x.end());
  };
  return {p.width,   real50(1) / special<real50>::sqrt(real50(double(p.width))),
          wide(p.q), wide(p.k),
          wide(p.v), wide(p.grad),
          wide(p.o), wide(p.lse),
          p.seen};
}

void expect_within(const std::vector<approximation>& stated, const std::vector<real50>& exact) {
  ASSERT_EQ(stated.size(), exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_LE(magnitude(real50(stated[i].value) - exact[i]), real50(stated[i].error));
    // As little as the verdicts want to know it.
    const double largest = std::max(1.0, std::abs(static_cast<double>(exact[i])));
    EXPECT_LE(stated[i].error, k_truth_resolution * ulp(k_fp32, largest));
  }
}

TEST(attention_gradient, of_double_keeps_the_error_it_states) {
  test::generator random(31);
  const attention_mask causal{.right = 0}, window{.left = 2, .right = 1};
  for (const sizes& of : {sizes{1, 1, 1, 1},
                          {4, 3, 5, 3},
                          {3, 7, 2, 0.01},
                          {64, 9, 33, 1},
                          {32, 20, 20, 4},
                          {8, 2, 100, 8}})
    for (const attention_mask& mask : {attention_mask{}, causal, window}) {
      const problem<double> p = drawn(random, of, mask);
      const auto stated = attention_gradient_with_error(p.results(), p.scale, 2 * 0x1p-53);
      const problem<real50> wide = in_50_digits(p);
      const auto exact = attention_gradient(wide.results(), wide.scale);
      expect_within(stated.dq, exact.dq);
      expect_within(stated.dk, exact.dk);
      expect_within(stated.dv, exact.dv);
    }
}

// One key with all the weight, whose value is o but for the last place: dp - delta is 2^-23 of what
// they are, and known as well as anything else.
TEST(attention_gradient, of_double_knows_differences_that_cancel) {
  problem<double> p{2, 1, {1, 0}, {1, 0}, {3, 5}, {7, 11}, {3, 5 - 0x1p-21}, {1}, {{0, 1}}};
  const auto stated = attention_gradient_with_error(p.results(), 1, 0);
  EXPECT_EQ(stated.dq[0].value, 11 * 0x1p-21);
  EXPECT_LE(stated.dq[0].error, 0x1p-47 * stated.dq[0].value);
}

// With o and lse as the forward pass has them in 50 digits, the formulas are the derivatives. The
// symmetric difference over 2 h is off by h^2 / 6 times a third derivative, below 10^4 for scores
// and values within 1; and by the roundings of two losses below 12, each of fewer than 80 steps
// with errors of k_error, divided by 2 h.
TEST(attention_gradient, is_the_derivative) {
  test::generator random(37);
  for (const attention_mask& mask : {attention_mask{}, attention_mask{.right = 0}}) {
    problem<real50> p = in_50_digits(drawn(random, {3, 4, 5, 1}, mask));
    p.attend_all();
    const auto exact = attention_gradient(p.results(), p.scale);

    const real50 h("1e-18"),
        near = real50(12 * 80) * real50(special<real50>::k_error) / h + real50(10000) / 6 * h * h;
    const auto expect_derivative = [&](std::vector<real50>& x, const std::vector<real50>& dx) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        const real50 before = x[i];
        x[i] = before + h;
        const real50 above = p.loss();
        x[i] = before - h;
        const real50 below = p.loss();
        x[i] = before;
        EXPECT_LE(magnitude(real50((above - below) / (h + h) - dx[i])), near) << i;
      }
    };
    expect_derivative(p.q, exact.dq);
    expect_derivative(p.k, exact.dk);
    expect_derivative(p.v, exact.dv);
  }
}

TEST(attention_gradient, leaves_out_what_saw_nothing_and_what_was_not_seen) {
  problem<double> p{1,
                    1,
                    {5, k_nan},
                    {1, 2},
                    {3, 4},
                    {1, k_infinity},
                    {3.5, 0},
                    {6, -k_infinity},
                    {{0, 2}, {0, 2}}};
  const auto all = attention_gradient(p.results(), 1.0);
  EXPECT_EQ(all.dq[1], 0);
  for (const auto* gradient : {&all.dk, &all.dv})
    for (const double each : *gradient) EXPECT_TRUE(std::isfinite(each));
  p.lse[1] = 0;
  EXPECT_TRUE(std::isnan(attention_gradient(p.results(), 1.0).dk[0]));
  p.seen[1] = {1, 2};
  EXPECT_FALSE(std::isnan(attention_gradient(p.results(), 1.0).dk[0]));
}

// A product that comes to -infinity, in double as in other tiers: its weight is 0 and meets numbers
// as such; but NaN where the log-sum-exp is.
TEST(attention_gradient, of_a_score_of_minus_infinity_is_what_the_formulas_have) {
  problem<double> p{2, 1.0, {-k_infinity, 1}, {2, 3}, {1, 2}, {1, 1}, {}, {}, {}};
  p.seen = {{0, 1}};
  p.o = {1, 1};
  for (const double lse : {0.0, k_nan}) {
    p.lse = {lse};
    const attention_gradients<double> plain = attention_gradient(p.results(), 1.0);
    const attention_gradients<approximation> bounded =
        attention_gradient_with_error(p.results(), 1.0, 0.0);
    for (const std::size_t d : {0, 1}) {
      const double zero = std::isnan(lse) ? k_nan : 0;
      const double wanted[] = {zero, d == 0 ? k_nan : zero, zero};  // 0 times q's infinity
      const double by_formulas[] = {plain.dq[d], plain.dk[d], plain.dv[d]},
                   in_double[] = {bounded.dq[d].value, bounded.dk[d].value, bounded.dv[d].value};
      for (const int k : {0, 1, 2}) {
        EXPECT_TRUE(same(by_formulas[k], wanted[k])) << k << ", " << d << ", " << lse;
        EXPECT_TRUE(same(in_double[k], wanted[k])) << k << ", " << d << ", " << lse;
      }
    }
  }
}

}  // namespace
}  // namespace assay::reference
