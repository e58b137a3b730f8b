// The two arithmetics, held against rounding errors worked out by hand.

#include "properties/arithmetic.hpp"

#include "properties/test/models.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace assay::properties {
namespace {

using reference::k_bf16;
using reference::k_fp16;
using reference::k_fp32;

constexpr double k_inf = std::numeric_limits<double>::infinity();
constexpr double k_u = 0x1p-24;  // half an ulp of fp32 at 1
constexpr double k_slack = 1 + 0x1p-27;

const running k_running(k_fp32), k_charging(k_fp32, charge::everything);

void expect_value(const running::value& v, double center, double before, double after) {
  EXPECT_EQ(v.center, center);
  EXPECT_EQ(v.before, before);
  EXPECT_EQ(v.after, after);
}

running::value number(double center, double after) { return {center, 0, after}; }

TEST(running, allows_one_operation_nothing_but_its_rounding) {
  const auto one = running::exact(1), tiny = running::exact(k_u);
  expect_value(k_running.add(one, tiny), 1 + k_u, 0, k_u);
  expect_value(k_running.mul(running::exact(3), running::exact(5)), 15, 0, 0);
  expect_value(k_running.div(one, running::exact(3)), 1.0 / 3, 0, k_u / 4);
  EXPECT_EQ(k_running.bound(k_running.add(one, tiny), k_fp32), 0);
  EXPECT_EQ(k_running.bound(k_running.add(one, tiny), k_bf16), k_u * k_slack);
}

TEST(running, adds_up_the_errors_of_both_operands) {
  const auto a = number(1, 3 * k_u), b = number(2, 5 * k_u);
  expect_value(k_running.add(a, b), 3, 8 * k_u, 10 * k_u);
  expect_value(k_running.sub(a, b), -1, 8 * k_u, 9 * k_u);
  expect_value(running::negated(k_running.sub(a, b)), 1, 8 * k_u, 9 * k_u);
}

TEST(running, knows_the_larger_of_two_as_well_as_those_that_it_may_be) {
  const auto a = number(1, 3 * k_u), b = number(2, 5 * k_u);
  for (const auto& larger : {running::max(a, b), running::max(b, a)})
    expect_value(larger, 2, 5 * k_u, 5 * k_u);
  const auto far = number(1, 0.5), near = number(1, 1);  // below 2 for certain, and not
  expect_value(running::max(far, b), 2, 5 * k_u, 5 * k_u);
  expect_value(running::max(b, near), 2, 1, 1);
  expect_value(running::max(near, b), 2, 1, 1);
}

// 1.5 plus its last place's half, for an implementation that computes it times something from 1 /
// spread to 1: at 1 a rounding is the largest, relative to it.
TEST(running, charges_roundings_under_an_unknown_factor_as_the_largest_there_may_be) {
  const auto sum = [&](double x, double spread) {
    return k_running.within(spread).add(running::exact(x), running::exact(x * 0x1p-30)).after;
  };
  EXPECT_EQ(sum(1.5, 1), k_u);
  EXPECT_EQ(sum(1.5, 1.25), 1.25 * k_u);
  const double followed = 1.5 + 1.5 * 0x1p-30;
  EXPECT_EQ(sum(1.5, 8), followed * k_u);
  EXPECT_EQ(sum(0x1p-149, 8), 8 * 0x1p-150);
  const auto half = k_running.within(8).narrowed(k_bf16, running::exact(0x1.8p0));
  EXPECT_EQ(half.after, 1.5 * 0x1p-8);
}

TEST(running, spreads_errors_through_products_and_quotients) {
  const auto a = number(3, 4 * k_u), b = number(5, 2 * k_u);
  const double product = 3 * 2 * k_u + 5 * 4 * k_u + 4 * k_u * 2 * k_u;
  expect_value(k_running.mul(a, b), 15, product, product + 8 * k_u);
  expect_value(k_running.fma(a, b, number(1, k_u)), 16, product + k_u, product + k_u + 16 * k_u);
  expect_value(running::exact_product(a, -2), -6, 8 * k_u, 8 * k_u);
  // |a/b - a'/b'| <= (da + |a/b| db) / (|b| - db)
  const double quotient = (4 * k_u + 0.6 * 2 * k_u) / (5 - 2 * k_u);
  EXPECT_DOUBLE_EQ(k_running.div(a, b).before, quotient);
  EXPECT_EQ(k_running.div(a, number(1, 1)).after, k_inf) << "the divisor may be zero";
}

TEST(running, knows_that_the_smallest_numbers_lose_absolutely) {
  const auto tiny = running::exact(0x1p-140);
  expect_value(k_running.mul(tiny, running::exact(0x1p-20)), 0x1p-160, 0, 0x1p-150);
  EXPECT_EQ(running(k_fp16).mul(running::exact(0x1p-14), running::exact(0x1p-14)).after, 0x1p-25);
}

TEST(running, bounds_nothing_after_an_overflow) {
  const auto large = running::exact(reference::max_finite(k_fp32));
  EXPECT_EQ(k_running.add(large, large).after, k_inf);
  EXPECT_EQ(k_running.bound(k_running.sub(k_running.add(large, large), large), k_fp32), k_inf);
  expect_value(k_running.add(running::exact(k_inf), running::exact(1)), k_inf, 0, 0);
}

// Infinity times what may be zero, or of either sign, may be anything; times what is certainly
// neither, or certainly zero, it is what it is.
TEST(running, leaves_open_what_infinity_makes_of_an_uncertain_factor) {
  const running a(reference::k_fp32);
  const auto infinity = running::exact(reference::k_infinity);
  const auto product = [&](double center, double error) {
    return a.mul(infinity, {center, error, error});
  };
  EXPECT_EQ(product(0x1p-148, 0x1p-149).after, 0);
  EXPECT_EQ(product(0x1p-149, 0x1p-149).after, reference::k_infinity);
  EXPECT_EQ(product(-1e-9, 1e-8).after, reference::k_infinity);
  EXPECT_EQ(product(0x1p-153, 0x1p-149).after, 0);
  EXPECT_EQ(a.mul(product(-1e-9, 1e-8), running::exact(2)).after, reference::k_infinity);
  EXPECT_EQ(a.add(product(-1e-9, 1e-8), running::exact(2)).after, reference::k_infinity);
}

TEST(running, takes_a_function_at_its_stated_error) {
  using namespace elementary_functions;
  expect_value(k_running.apply(k_exp, running::exact(0), 1), 1, k_u, 2 * k_u);
  expect_value(k_running.apply(k_exp, running::exact(0), 0.5), 1, 0, k_u);
  const auto carried = k_running.apply(k_exp, number(0, 0x1p-10), 0.5);
  EXPECT_DOUBLE_EQ(carried.before, std::exp(0x1p-10) * 0x1p-10 + 0.0);
  EXPECT_LE(k_running.apply(elementary_functions::k_tanh, number(0, 1e30), 1).before, 2 + 4 * k_u);
  expect_value(k_running.known(1, 2), 1, 3 * k_u, 4 * k_u);
  expect_value(k_running.known(1, 0.5, 1), 1, 1 - k_u, 1);
}

TEST(running, rounds_where_it_is_told_to) {
  expect_value(running::convert(k_bf16, number(1, k_u)), 1, k_u, k_u + 0x1p-8);
  EXPECT_DOUBLE_EQ(k_running.constant(0.1).after, k_u / 16);
}

const concrete k_concrete(k_fp32);

TEST(concrete, rounds_every_operation_to_nearest_even) {
  const auto one = concrete::exact(1);
  EXPECT_EQ(k_concrete.add(one, concrete::exact(k_u)).after, 1);
  EXPECT_EQ(k_concrete.add(one, concrete::exact(3 * k_u)).after, 1 + 4 * k_u);
  EXPECT_EQ(k_concrete.add(one, concrete::exact(k_u)).before, 1 + k_u);
  EXPECT_EQ(k_concrete.div(one, concrete::exact(3)).after, double(1.0f / 3.0f));
  EXPECT_EQ(k_concrete.constant(0.1).after, double(0.1f));
  EXPECT_EQ(concrete::convert(k_bf16, concrete::exact(1.00390625)).after, 1);
  const auto fused = k_concrete.fma(concrete::exact(1 + 2 * k_u), concrete::exact(1 - 2 * k_u),
                                    concrete::exact(-1));
  EXPECT_EQ(fused.after, -4 * k_u * k_u);
  EXPECT_EQ(k_concrete.sub(one, concrete::exact(2)).after, -1);
  EXPECT_EQ(k_concrete.unrounded(k_concrete.add(one, concrete::exact(k_u)), k_fp32), 1 + k_u);
  EXPECT_EQ(k_concrete.unrounded(k_concrete.add(one, concrete::exact(k_u)), k_bf16), 1);
}

TEST(concrete, errs_in_functions_as_it_is_told_to) {
  const elementary two = {[](double) { return 2.0; }, [](double, double) { return 0.0; }};
  const auto result = [&](double lean) {
    return concrete(k_fp32, {nullptr, lean}).apply(two, concrete::exact(0), 1.5).before;
  };
  EXPECT_EQ(result(0), 2);
  EXPECT_EQ(result(1), 2 + 4 * k_u);  // one ulp above half an ulp
  EXPECT_EQ(result(-1), 2 - 4 * k_u);
  EXPECT_EQ(concrete(k_fp32, {nullptr, 1}).known(1, 0.5, 8 * k_u).before, 1 + 7 * k_u);
}

// Terms are aligned to the largest, two bits more than its ulp are kept, the rest is cut off.
TEST(concrete, cuts_what_a_tensor_core_cuts) {
  const truncating_adder adder{16, 2};
  const auto added = [&](double sum, const std::vector<double>& terms) {
    std::vector<concrete::value> values;
    for (double t : terms) values.push_back(concrete::exact(t));
    return k_concrete.add_truncated(concrete::exact(sum), values, adder).after;
  };
  constexpr double ulp = 0x1p-23, kept = ulp / 4;
  EXPECT_EQ(added(1, {0.9 * ulp}), 1);
  EXPECT_EQ(added(1, {kept, kept, kept, kept}), 1 + ulp);
  EXPECT_EQ(added(1, {0.9 * kept, 0.9 * kept, 0.9 * kept, 0.9 * kept}), 1);
  EXPECT_EQ(added(-1, {-0.9 * ulp}), -1);
  EXPECT_EQ(added(1, {-0.1 * kept}), 1);
  EXPECT_EQ(added(0, {0, 0}), 0);
  EXPECT_EQ(added(0, {0x1p30, 1, 2, 3, -0x1p30}), 0) << "what lies below 2^5 is lost";
}

TEST(running, covers_what_a_tensor_core_cuts) {
  const std::vector<running::value> terms = {running::exact(0x1p-20), running::exact(1)};
  const auto v = k_charging.add_truncated(running::exact(1), terms, {16, 2});
  EXPECT_EQ(v.center, 2 + 0x1p-20);
  EXPECT_EQ(v.after, 3 * 0x1p-25 + 0x1p-22);  // three cuts of 2^-25, one ulp of the sum
  EXPECT_EQ(v.before, v.after);
}

// The first-order formulas of the literature (DESIGN: u = 2^-24, c_f twice the ULPs of f) are what
// a running bound must come to, but for second-order terms.
TEST(running, agrees_with_the_first_order_bound_of_gelu) {
  for (double x : {-3.0, -1.0, -0.1, 0.3, 1.0, 2.5}) {
    const double t = x * 0x1.6a09e667f3bcdp-1, e = std::erf(t), y = x / 2 * (1 + e);
    const double slope = 0x1.20dd750429b6dp+0 * std::exp(-t * t);
    const double formula =
        k_u * std::abs(x) / 2 * (2 * std::abs(e) + 2 * std::abs(t) * slope + std::abs(1 + e)) +
        2 * k_u * std::abs(y);
    const double bound = k_charging.bound(models::gelu_naive(k_charging, x), k_bf16);
    EXPECT_LE(bound, 2.1 * formula) << x;  // u|s| <= ulp(s) / 2 * 2: a factor of two either way
    EXPECT_GE(bound, formula / 2.1) << x;
  }
}

TEST(running, agrees_with_the_first_order_bound_of_a_sum) {
  const std::vector<double> x(256, 1.0);
  const double height = 7 + 5;  // 8 terms a lane, then a tree of 32
  const double bound = k_charging.bound(models::lane_sum(k_charging, x), k_bf16);
  EXPECT_LE(bound, height * k_u * 256 * (1 + 1e-5));
  EXPECT_GE(bound, 5 * k_u * 256 / 2);
}

TEST(running, never_lies_below_what_concrete_does) {
  element_stream stream(1, 0, 0);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> x;
    for (int i = 0; i < 50; ++i)
      x.push_back(
          reference::round(k_fp32, (stream.uniform() - 0.5) * std::exp(20 * stream.uniform())));
    const auto got = models::lane_sum(k_concrete, x);
    const auto promised = models::lane_sum(k_running, x);
    EXPECT_LE(std::abs(got.after - promised.center), promised.after);
    EXPECT_LE(std::abs(got.before - promised.center), promised.before * k_slack + 1e-12);
  }
}

}  // namespace
}  // namespace assay::properties
