// What holds for every description, and what the descriptions say of themselves.

#include "reference/elementwise.hpp"

#include "reference/gelu.hpp"
#include "reference/mish.hpp"
#include "reference/relu.hpp"
#include "reference/silu.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <set>

namespace assay::reference {
namespace {

constexpr format k_formats[] = {k_fp32, k_bf16, k_fp16};
const elementwise k_forward[] = {k_relu, k_gelu_erf, k_gelu_tanh, k_gelu_scaled.with(1.5),
                                 k_silu, k_mish};
const elementwise k_derivatives[] = {k_relu_derivative,
                                     k_gelu_erf_derivative,
                                     k_gelu_tanh_derivative,
                                     k_gelu_scaled_derivative.with(1),
                                     k_silu_derivative,
                                     k_mish_derivative,
                                     k_gelu_scaled_derivative_in_alpha.with(1)};

// A function whose value is a tie, or not: nobody can say.
struct undecidable {
  template <real R>
  enclosure<R> operator()(const R&) const {
    return {R(1 + 0x1p-24), R(0), R(0x1p-1000)};
  }
};

TEST(elementwise, gives_up_loudly_where_no_precision_decides) {
  const elementwise f = describe<undecidable>("undecidable");
  EXPECT_THROW(correctly_rounded(f, k_fp32, 1), std::runtime_error);
  EXPECT_THROW(truth_of(f, k_fp32, 1), std::runtime_error);
  EXPECT_EQ(correctly_rounded(f, k_bf16, 1), 1) << "not a tie there";
}

TEST(elementwise, names_differ) {
  std::set<std::string_view> names;
  for (const auto& f : k_forward) names.insert(f.name);
  for (const auto& f : k_derivatives) names.insert(f.name);
  EXPECT_EQ(names.size(), std::size(k_forward) + std::size(k_derivatives));
}

TEST(elementwise, nan_gives_nan) {
  for (const format& f : k_formats) {
    for (const auto& function : k_forward)
      EXPECT_TRUE(std::isnan(truth_of(function, f, k_nan).rounded));
    for (const auto& function : k_derivatives) {
      EXPECT_TRUE(std::isnan(truth_of(function, f, k_nan).rounded)) << function.name;
      EXPECT_TRUE(std::isnan(truth_of(function, f, k_nan).value)) << function.name;
      for (const double gradient : {0.0, 2.0, k_infinity}) {
        EXPECT_TRUE(std::isnan(correctly_rounded(function, f, k_nan, gradient))) << function.name;
        if (function.name == "relu.derivative") continue;  // it selects
        EXPECT_TRUE(std::isnan(correctly_rounded(function, f, 1, k_nan))) << function.name;
      }
    }
  }
  EXPECT_TRUE(std::isnan(correctly_rounded(k_gelu_scaled.with(k_nan), k_fp32, 1)));
}

TEST(elementwise, limits_at_infinity) {
  for (const format& f : k_formats) {
    for (const auto& function : k_forward) {
      const double left = function.name == "relu" ? 0.0 : -0.0;
      EXPECT_TRUE(same(correctly_rounded(function, f, k_infinity), k_infinity)) << function.name;
      EXPECT_TRUE(same(correctly_rounded(function, f, -k_infinity), left)) << function.name;
      EXPECT_TRUE(same(correctly_rounded(function, f, -max_finite(f)), left)) << function.name;
      EXPECT_TRUE(same(correctly_rounded(function, f, max_finite(f)),
                       function.parameter > 1 ? k_infinity : max_finite(f)))
          << function.name;
    }
    for (const auto& function : k_derivatives) {
      const bool in_alpha = function.name == "gelu.scaled.derivative_in_alpha";  // x gelu'(x)
      const double left = function.name == "relu.derivative" || in_alpha ? 0.0 : -0.0;
      const double right = in_alpha ? k_infinity : 1;
      EXPECT_EQ(correctly_rounded(function, f, k_infinity), right) << function.name;
      EXPECT_TRUE(same(correctly_rounded(function, f, -k_infinity), left)) << function.name;
    }
  }
}

TEST(elementwise, the_gradient_of_the_scale_vanishes_with_the_slope) {
  for (const double alpha : {1.0, 0.75, 0x1p-130}) {
    const auto rising = k_gelu_scaled_derivative_in_alpha.with(alpha),
               falling = k_gelu_scaled_derivative_in_alpha.with(-alpha);
    EXPECT_TRUE(same(correctly_rounded(rising, k_fp32, -k_infinity), 0.0)) << alpha;
    EXPECT_TRUE(same(correctly_rounded(falling, k_fp32, k_infinity), -0.0)) << alpha;
    EXPECT_EQ(correctly_rounded(rising, k_fp32, k_infinity), k_infinity) << alpha;
    EXPECT_EQ(correctly_rounded(falling, k_fp32, -k_infinity), -k_infinity) << alpha;
  }
}

TEST(elementwise, zeros_keep_their_sign) {
  for (const format& f : k_formats) {
    for (const auto& function : k_forward) {
      EXPECT_TRUE(same(correctly_rounded(function, f, 0.0), 0.0)) << function.name;
      EXPECT_TRUE(same(correctly_rounded(function, f, -0.0), function.name == "relu" ? 0.0 : -0.0))
          << function.name;
    }
  }
}

TEST(elementwise, derivatives_at_zero) {
  for (const double zero : {0.0, -0.0}) {
    EXPECT_EQ(correctly_rounded(k_relu_derivative, k_fp32, zero), 0);
    EXPECT_EQ(correctly_rounded(k_gelu_erf_derivative, k_fp32, zero), 0.5);
    EXPECT_EQ(correctly_rounded(k_gelu_tanh_derivative, k_fp32, zero), 0.5);
    EXPECT_EQ(correctly_rounded(k_silu_derivative, k_fp32, zero), 0.5);
    EXPECT_EQ(correctly_rounded(k_mish_derivative, k_fp32, zero), round(k_fp32, 0.6));
    EXPECT_EQ(truth_of(k_gelu_erf_derivative, k_fp32, zero).error, 0) << "exactly 1/2";
  }
}

TEST(elementwise, ties_of_half_an_odd_subnormal_go_up) {
  // f(x) = x/2 + c x^2 + ..., c > 0: the truth lies just above x/2, of either sign.
  for (const format& f : k_formats) {
    const double unit = min_subnormal(f);
    for (const auto& function : {k_gelu_erf, k_gelu_tanh, k_silu}) {
      for (int half = 0; half < 32; ++half) {
        const double x = (2 * half + 1) * unit;
        EXPECT_EQ(correctly_rounded(function, f, x), (half + 1) * unit) << function.name;
        EXPECT_TRUE(same(correctly_rounded(function, f, -x), -(half * unit))) << function.name;
      }
    }
  }
}

TEST(elementwise, derivatives_near_zero_and_far_out_are_not_ties) {
  for (const auto& function : {k_gelu_erf_derivative, k_gelu_tanh_derivative, k_silu_derivative}) {
    EXPECT_EQ(correctly_rounded(function, k_fp32, 0x1p-149), 0.5);
    EXPECT_EQ(correctly_rounded(function, k_fp32, -0x1p-149), 0.5);
    EXPECT_EQ(correctly_rounded(function, k_fp32, 1e30), 1);
    // A gradient that is a midpoint of bf16, halved: it goes where x points.
    EXPECT_EQ(correctly_rounded(function, k_bf16, 0x1p-149, 2 + 0x1p-7), 1 + 0x1p-7);
    EXPECT_EQ(correctly_rounded(function, k_bf16, -0x1p-149, 2 + 0x1p-7), 1);
    // Far out on the right the derivative is just above 1.
    EXPECT_EQ(correctly_rounded(function, k_bf16, 1e30, 1 + 0x1p-8), 1 + 0x1p-7);
    EXPECT_EQ(correctly_rounded(function, k_bf16, 1e30, -1 - 0x1p-8), -1 - 0x1p-7);
  }
}

TEST(elementwise, forward_ties_on_the_right_go_down) {
  // f(x) = x - (next to nothing), x a midpoint of the narrower output format.
  for (const auto& function : {k_gelu_erf, k_gelu_tanh, k_silu, k_mish}) {
    EXPECT_EQ(correctly_rounded(function, k_bf16, 0x1.03p100), 0x1.02p100) << function.name;
    EXPECT_EQ(correctly_rounded(function, k_bf16, 0x1.01p100), 0x1p100) << function.name;
    EXPECT_EQ(correctly_rounded(function, k_fp16, 65520), 65504) << function.name;
  }
}

TEST(elementwise, relu_is_exact_and_selects) {
  for (const format& f : {k_bf16, k_fp16}) {
    for (const double x : test::all_values(f)) {
      const auto [rounded, value, error] = truth_of(k_relu, f, x);
      const double expected = is_nan(x) ? x : x > 0 ? x : 0.0;
      ASSERT_TRUE(same(rounded, expected) && same(value, expected)) << x;
      ASSERT_TRUE(error == 0 || is_nan(x)) << x;
      const double slope = is_nan(x) ? x : x > 0 ? 1.0 : 0.0;
      ASSERT_TRUE(same(correctly_rounded(k_relu_derivative, f, x), slope)) << x;
    }
  }
  for (const double gradient : {1.5, -1.5, 0.0, -0.0, k_infinity, k_nan}) {
    EXPECT_TRUE(same(correctly_rounded(k_relu_derivative, k_fp32, 2, gradient), gradient));
    EXPECT_TRUE(same(correctly_rounded(k_relu_derivative, k_fp32, -2, gradient), 0.0));
    EXPECT_TRUE(std::isnan(correctly_rounded(k_relu_derivative, k_fp32, k_nan, gradient)));
  }
}

TEST(elementwise, a_zero_gradient_gives_a_zero_of_the_right_sign_even_at_the_derivatives_zero) {
  // The neighbours of gelu's minimum: the derivative is 2^-26 and less, double cannot tell the
  // sign.
  const double right = round(k_fp32, -0.75179152469356446);
  for (int i = -5; i <= 5; ++i) {
    const double x = right + i * ulp(k_fp32, right);
    const double slope = correctly_rounded(k_gelu_erf_derivative, k_fp32, x);
    EXPECT_TRUE(
        same(correctly_rounded(k_gelu_erf_derivative, k_fp32, x, 0.0), std::copysign(0, slope)));
    EXPECT_EQ(slope > 0, x > -0.75179152469356446);
  }
}

TEST(elementwise, an_infinite_gradient_gives_the_limit) {
  for (const auto& function : {k_gelu_erf_derivative, k_gelu_tanh_derivative, k_silu_derivative,
                               k_mish_derivative, k_gelu_scaled_derivative.with(1.5)})
    for (const double gradient : {k_infinity, -k_infinity})
      for (const double x : {-k_infinity, -1e30, -200.0, -3.0, 0.0, -0.0, 3.0, k_infinity})
        EXPECT_EQ(correctly_rounded(function, k_fp32, x, gradient), x < 0 ? -gradient : gradient)
            << function.name << " at " << x;
}

TEST(elementwise, truth_near_a_zero_of_the_derivative_is_good_to_a_thousandth_of_an_ulp) {
  const double right = round(k_fp32, -0.75179152469356446);
  for (int i = -500; i <= 500; ++i) {
    const double x = right + i * ulp(k_fp32, right);
    const auto [rounded, value, error] = truth_of(k_gelu_erf_derivative, k_fp32, x);
    ASSERT_LE(error, k_truth_resolution * ulp(k_fp32, value));
    ASSERT_EQ(round(k_fp32, value), rounded);
  }
}

}  // namespace
}  // namespace assay::reference
