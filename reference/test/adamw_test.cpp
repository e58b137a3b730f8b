// AdamW: steps worked out by hand, and errors that are what they say, against 960 bits.

#include "reference/adamw.hpp"

#include "reference/mpfr_real.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace assay::reference {
namespace {

using R = mpfr_real<960>;

template <class Real>
adamw_bounded<Real> step_of(const adamw_settings<double>& by, std::int64_t step, double gradient,
                            const adamw_state<double>& old) {
  const adamw_settings<Real> in{by.rate, by.beta1, by.beta2, by.eps, by.decay};
  return adamw_with_error<Real>(in, correction_of(in.beta1, step), correction_of(in.beta2, step),
                                Real(gradient), {old.weight, old.mean, old.square});
}

// m = 0.5 2 + 0.5 4 = 3, v = 0.75 8 + 0.25 16 = 10; of step 2 1 - 0.25 = 3/4 and 1 - 9/16 = 7/16.
TEST(adamw, is_what_the_formula_says_by_hand) {
  const auto [now, error] = step_of<double>({0.5, 0.5, 0.75, 1, 0.125}, 2, 4, {8, 2, 8});
  EXPECT_EQ(now.mean, 3);
  EXPECT_EQ(now.square, 10);
  EXPECT_EQ(now.weight, 8 - 0.5 * (4 / (std::sqrt(160.0 / 7) + 1) + 1));
  EXPECT_LT(error.weight, 1e-14);
}

// A first step from nothing is as long as the rate, and decay comes on top.
TEST(adamw, begins_with_a_step_as_long_as_the_rate) {
  const auto now = step_of<R>({0.25, 0.875, 0.75, 0, 0}, 1, -5, {1, 0, 0}).value;
  EXPECT_EQ(double(now.weight), 1.25);
  const auto decayed = step_of<R>({0.25, 0.875, 0.75, 0, 0.5}, 1, -5, {1, 0, 0}).value;
  EXPECT_EQ(double(decayed.weight), 1.25 - 0.125);
}

TEST(adamw, powers_are_products) {
  EXPECT_EQ(power(3.0, 1), 3);
  EXPECT_EQ(power(3.0, 8), 6561);
  EXPECT_EQ(power(3.0, 13), 1594323);
  EXPECT_EQ(power(0.0, 7), 0);
}

// Within 1.01 u of 1 - beta^t, of the betas nearest to 1 too, where all digits of double cancel.
TEST(adamw, corrections_err_as_they_say) {
  for (const float beta : {0.0f, 0x1p-149f, 0.5f, 0.9f, 0.999f, 0x1.fffffep-1f})
    for (const std::int64_t step : {1, 2, 3, 1000, 123457, 1 << 24}) {
      const auto got = correction_of(double(beta), step);
      const R truth = R(1) - power(R(beta), step);
      EXPECT_LE(magnitude(R(R(got.value) - truth)), R(got.error) * truth) << beta << " " << step;
      EXPECT_LE(got.error, 0x1.1p-53);
    }
}

// Settings and numbers of fp32 over all of its range, and of one size.
TEST(adamw, errs_no_more_than_it_says) {
  std::mt19937 random(1);
  const auto unit = [&] { return float(random() >> 8) * 0x1p-24f; };
  const auto any = [&](int range) {
    return double(std::ldexp(1 + unit(), int(random() % unsigned(2 * range + 1)) - range) *
                  (random() % 2 ? 1 : -1));
  };
  double most = 0;
  for (int i = 0; i < 4000; ++i) {
    const int range = i % 2 ? 3 : 60;
    const adamw_settings<double> by{unit(), unit(), 1 - unit() / 1024, std::abs(any(range)),
                                    unit()};
    const double g = any(range) * double(unit());
    const adamw_state<double> old{any(range), any(range), std::abs(any(range))};
    const std::int64_t step = 1 + random() % 100000;
    const auto [value, error] = step_of<double>(by, step, g, old);
    const auto truth = step_of<R>(by, step, g, old);
    EXPECT_EQ(double(truth.error.mean), 0);
    EXPECT_EQ(double(truth.error.square), 0);
    for (const auto which :
         {&adamw_state<double>::weight, &adamw_state<double>::mean, &adamw_state<double>::square}) {
      const R& exact = which == &adamw_state<double>::weight ? truth.value.weight
                       : which == &adamw_state<double>::mean ? truth.value.mean
                                                             : truth.value.square;
      const double off = double(magnitude(R(R(value.*which) - exact)));
      ASSERT_LE(off, error.*which) << i;
      most = std::max(most, off / error.*which);
    }
  }
  EXPECT_GT(most, 0.3);  // and not much less
}

// Over all parameters it is the same, one by one.
TEST(adamw, steps_each_parameter) {
  std::vector<double> weight{1, -2, 3}, mean{0, 0.5, 1}, square{0, 0.25, 4};
  const std::vector<double> gradient{0.5, -1, 2};
  const adamw_settings<double> by{0.1, 0.9, 0.99, 1e-8, 0.1};
  const std::vector<double> before = weight;
  adamw_step<double>(by, 0.9 * 0.9, 0.99 * 0.99, gradient, weight, mean, square);
  const auto last = step_of<double>(by, 2, 2, {3, 1, 4});
  EXPECT_NEAR(weight[2], last.value.weight, 4 * last.error.weight);
  EXPECT_EQ(mean[2], last.value.mean);
  EXPECT_EQ(square[2], last.value.square);
  EXPECT_LT(weight[0], before[0]);
}

}  // namespace
}  // namespace assay::reference
