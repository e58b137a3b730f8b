// Rotary position embedding: what R0 states of its own error, against R1 and R2; and what the
// mathematics promises of rotations.

#include "reference/rope.hpp"

#include "reference/mpfr_real.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

using wide = mpfr_real<400>;

const std::vector<rope> k_formulas = {{},
                                      {rope_scaling::none, 500000},
                                      {rope_scaling::linear, 10000, 1.75},
                                      {rope_scaling::ntk, 10000, 8},
                                      {rope_scaling::ntk, 1, 3},
                                      {rope_scaling::linear, 0x1p32, 0x1p16},
                                      {rope_scaling::ntk, 0x1p32, 0x1p16}};

// 1, 2, 3, ends and the middle of binades up to 2^25.
std::vector<std::int64_t> positions() {
  test::generator random(5);
  std::vector<std::int64_t> all = {1, 2, 3};
  for (int bits = 3; bits <= 25; ++bits)
    for (int i = 0; i < 6; ++i)
      all.push_back((std::int64_t(1) << bits) - 1 - std::int64_t(random.below(1u << (bits - 1))));
  return all;
}

template <class Visit>
void for_each_rotation(const Visit& visit) {
  for (const rope& of : k_formulas)
    for (const std::int64_t d : {2, 6, 64})
      for (const std::int64_t p : positions())
        for (std::int64_t j = 0; j < d / 2; j += d == 64 ? 7 : 1) visit(of, d, p, j);
}

// What cosine and sine of a position are off by in R1 at most: 202 k_error of the angle (rope.hpp),
// which is p at most, and k_error of their own.
real50 off_at(std::int64_t p) { return real50(special<real50>::k_error * (203 * double(p) + 1)); }

template <class R>
rotation<R> rotation_in(const rope& of, std::int64_t d, std::int64_t p, std::int64_t j) {
  return rope_rotation(rope_frequency<R>(of, j, d), p);
}

TEST(rope, of_double_keeps_the_error_it_states) {
  double largest = 0;
  for_each_rotation([&](const rope& of, std::int64_t d, std::int64_t p, std::int64_t j) {
    const rope_rotations::bounded by = rope_rotations(of, d).at(p, j);
    const rotation<wide> exact = rotation_in<wide>(of, d, p, j);
    ASSERT_LE(magnitude(wide(wide(by.value.cosine) - exact.cosine)), wide(by.cosine_error)) << p;
    ASSERT_LE(magnitude(wide(wide(by.value.sine) - exact.sine)), wide(by.sine_error)) << p;
    ASSERT_LE(by.sine_error, 0x1p-47 * std::abs(by.value.sine) + 0x1p-70) << p;
    ASSERT_LE(by.cosine_error, 0x1p-47 * std::abs(by.value.cosine) + 0x1p-70) << p;
    largest = std::max({largest, by.cosine_error, by.sine_error});
  });
  EXPECT_GT(largest, 0);
}

TEST(rope, of_50_digits_agrees_with_mpfr) {
  for_each_rotation([&](const rope& of, std::int64_t d, std::int64_t p, std::int64_t j) {
    const rotation<real50> ours = rotation_in<real50>(of, d, p, j);
    const rotation<wide> exact = rotation_in<wide>(of, d, p, j);
    // The values pass through two doubles, which keep 2^-106 of them.
    const auto allowed = wide(static_cast<double>(off_at(p)) + 0x1p-106);
    for (const auto& [a, b] : {std::pair(ours.cosine, exact.cosine), {ours.sine, exact.sine}}) {
      const wide off = wide(static_cast<double>(a)) +
                       wide(static_cast<double>(real50(a - real50(static_cast<double>(a))))) - b;
      ASSERT_LE(magnitude(off), allowed) << p << " " << j;
    }
  });
}

TEST(rope, keeps_its_stated_error_where_values_are_rotated) {
  test::generator random(9);
  const rope_rotations rotations({}, 64);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t p = 1 + std::int64_t(random.below(1 << 24)),
                       j = std::int64_t(random.below(32));
    const pair_of<double> x{round(k_fp32, random.with_exponent(-149, 126)),
                            i % 7 == 0 ? 0 : round(k_fp32, random.with_exponent(-149, 126))};
    for (const bool back : {false, true}) {
      const auto by = back ? rotations.at(p, j).inverse() : rotations.at(p, j);
      const auto got = rotated_with_error(by, x);
      const auto turn = rotation_in<wide>({}, 64, p, j);
      const auto exact = rotated(back ? turn.inverse() : turn, {wide(x.low), wide(x.high)});
      ASSERT_LE(magnitude(wide(wide(got.low.value) - exact.low)), wide(got.low.error));
      ASSERT_LE(magnitude(wide(wide(got.high.value) - exact.high)), wide(got.high.error));
    }
  }
}

// (x_j + i x_(j + d/2)) e^(i p w_j), RoFormer's own form: p steps of one position each, which add
// up what each is off by.
TEST(rope, of_position_p_is_p_rotations_by_one) {
  const pair_of<real50> x{real50(0.75), real50(-1.25)};
  const rotation<real50> one = rotation_in<real50>({}, 16, 1, 3);
  pair_of<real50> turned = x;
  for (std::int64_t p = 1; p <= 200; ++p) {
    turned = rotated(one, turned);
    const pair_of<real50> at_once = rotated(rotation_in<real50>({}, 16, p, 3), x);
    ASSERT_LE(magnitude(real50(at_once.low - turned.low)), 4 * (p + 1) * off_at(p));
    ASSERT_LE(magnitude(real50(at_once.high - turned.high)), 4 * (p + 1) * off_at(p));
  }
}

TEST(rope, at_position_0_changes_nothing) {
  const auto by = rope_rotations({}, 8).at(0, 1);
  for (const double strange : {-0.0, 0x1p-149, k_infinity}) {
    const auto y = rotated_with_error(by.inverse(), {strange, k_nan});
    EXPECT_TRUE(same(y.low.value, strange));
    EXPECT_TRUE(is_nan(y.high.value));
    EXPECT_EQ(y.low.error, 0);
  }
}

pair_of<real50> some_pair(test::generator& random) {
  return {real50(random.uniform(-2, 2)), real50(random.uniform(-2, 2))};
}

real50 dot(const pair_of<real50>& a, const pair_of<real50>& b) {
  return a.low * b.low + a.high * b.high;
}

// Each of four values of at most 3 meets cosines and sines that are off; the sum has four products.
TEST(rope, makes_dot_products_depend_on_the_distance_alone) {
  test::generator random(3);
  for (const rope& of : k_formulas)
    for (int i = 0; i < 20; ++i) {
      const real50 w = rope_frequency<real50>(of, i % 4, 8);
      const pair_of<real50> q = some_pair(random), k = some_pair(random);
      const std::int64_t m = 1 + std::int64_t(random.below(1 << 20)), n = m + 1 + i,
                         further = std::int64_t(random.below(1 << 20));
      const auto score = [&](std::int64_t a, std::int64_t b) {
        return dot(rotated(rope_rotation(w, a), q), rotated(rope_rotation(w, b), k));
      };
      EXPECT_LE(magnitude(real50(score(m, n) - score(m + further, n + further))),
                100 * off_at(n + further));
      EXPECT_GT(magnitude(real50(score(m, n) - score(m + 1, n))), 100 * off_at(n)) << i;
    }
}

TEST(rope, keeps_lengths_and_is_undone_by_its_gradient) {
  test::generator random(4);
  for (const rope& of : k_formulas) {
    const pair_of<real50> x = some_pair(random), dy = some_pair(random);
    const auto turn = rope_rotation(rope_frequency<real50>(of, 1, 6), 12345);
    const real50 off = 100 * special<real50>::k_error;  // c^2 + s^2, of values of at most 3
    const pair_of<real50> y = rotated(turn, x), back = rotated(turn.inverse(), y);
    EXPECT_LE(magnitude(real50(dot(y, y) - dot(x, x))), off);
    EXPECT_LE(magnitude(real50(back.low - x.low)), off);
    // The gradient is the adjoint: dy . y = dx . x.
    EXPECT_LE(magnitude(real50(dot(dy, y) - dot(rotated(turn.inverse(), dy), x))), off);
  }
}

TEST(rope, scaled_is_plain_where_it_should_be) {
  const auto w = [](rope_scaling how, double scale, std::int64_t j, std::int64_t d) {
    return rope_frequency<real50>({how, 10000, scale}, j, d);
  };
  const auto near = [](const real50& a, const real50& b) {
    return magnitude(real50(a / b - 1)) <= real50(402 * special<real50>::k_error);
  };
  for (const std::int64_t d : {2, 4, 64})
    for (std::int64_t j = 0; j < d / 2; ++j) {
      const real50 plain = w(rope_scaling::none, 1, j, d);
      EXPECT_EQ(w(rope_scaling::linear, 1, j, d), plain);
      EXPECT_EQ(w(rope_scaling::ntk, 1, j, d), plain);
      EXPECT_TRUE(near(w(rope_scaling::linear, 5, j, d) * 5, plain));
      const real50 share = j == 0 ? real50(0) : real50(2 * j) / real50(d - 2);
      EXPECT_TRUE(near(w(rope_scaling::ntk, 5, j, d) * exp(share * log(real50(5))), plain));
      EXPECT_TRUE(near(plain, exp(-real50(2 * j) / real50(d) * log(real50(10000)))));
    }
  // The highest frequency stays, the lowest is interpolated.
  EXPECT_EQ(w(rope_scaling::ntk, 5, 0, 64), 1);
  EXPECT_TRUE(near(w(rope_scaling::ntk, 5, 31, 64), w(rope_scaling::linear, 5, 31, 64)));
}

}  // namespace
}  // namespace assay::reference
