#include "reference/gelu.hpp"
#include "reference/test/agreement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace assay::reference {
namespace {

using test::check_agreement;

// (1 + erf(x / sqrt 2)) / 2
template <class I>
I distribution(const I& x) {
  return (I(1) + erf(x / sqrt(I(2)))) / I(2);
}

// Phi(x) + x phi(x)
template <class I>
I erf_slope(const I& x) {
  const I density = exp(I(-0.5) * square(x)) / sqrt(I(2) * I::pi());
  return distribution(x) + x * density;
}

// u = sqrt(2/pi) (x + 0.044715 x^3)
template <class I>
I tanh_argument(const I& x) {
  return sqrt(I(2) / I::pi()) * (x + I(44715) / I(1000000) * x * square(x));
}

TEST(agreement, gelu_erf) {
  check_agreement(k_gelu_erf, gelu_erf_forward{}, [](auto x) { return x * distribution(x); });
}

TEST(agreement, gelu_erf_derivative) {
  check_agreement(k_gelu_erf_derivative, gelu_erf_slope{}, [](auto x) { return erf_slope(x); });
}

TEST(agreement, gelu_tanh) {
  check_agreement(k_gelu_tanh, gelu_tanh_forward{}, [](auto x) {
    using I = decltype(x);
    return I(0.5) * x * (I(1) + tanh(tanh_argument(x)));
  });
}

TEST(agreement, gelu_tanh_derivative) {
  check_agreement(k_gelu_tanh_derivative, gelu_tanh_slope{}, [](auto x) {
    using I = decltype(x);
    const I t = tanh(tanh_argument(x));
    const I slope = sqrt(I(2) / I::pi()) * (I(1) + I(3 * 44715) / I(1000000) * square(x));
    return I(0.5) * (I(1) + t) + I(0.5) * x * (I(1) - square(t)) * slope;
  });
}

constexpr format k_all[] = {k_fp32, k_bf16, k_fp16};

// 16-bit values and midpoints no larger than `limit`.
std::vector<double> moderate_inputs(double limit) {
  std::vector<double> inputs = test::midpoint_sample();
  for (std::uint64_t pattern = 0; pattern < 0x10000; pattern += 41) {
    inputs.push_back(decode(k_fp16, pattern));
  }
  std::erase_if(inputs, [limit](double x) { return !(std::abs(x) <= limit); });
  return inputs;
}

// Three functions of alpha x: a product of 48 bits, the tie rules at work on heads of 48 bits.
TEST(agreement, gelu_scaled) {
  for (const double alpha : {round(k_fp32, 1.702), -0.5, 0x1p-120}) {
    const auto inputs =
        moderate_inputs(20 / std::max(1.0, alpha));  // where the proofs decide signs
    const auto scaled = [alpha](auto f) {
      return [alpha, f](const auto& x) { return f(x, std::decay_t<decltype(x)>(alpha)); };
    };
    const auto check = [&](const elementwise& function, auto evaluate, auto textbook) {
      EXPECT_GE(test::compare(function.with(alpha), inputs, k_all, evaluate, textbook), 6000u);
    };
    check(k_gelu_scaled, scaled(gelu_scaled_forward{}),
          scaled([](const auto& x, const auto& a) { return a * x * distribution(a * x); }));
    check(k_gelu_scaled_derivative, scaled(gelu_scaled_slope{}),
          scaled([](const auto& x, const auto& a) { return a * erf_slope(a * x); }));
    check(k_gelu_scaled_derivative_in_alpha, scaled(gelu_scaled_slope_in_alpha{}),
          scaled([](const auto& x, const auto& a) { return x * erf_slope(a * x); }));
  }
}

// A gradient from above times a derivative: heads of gradient / 2 and gradient, often midpoints of
// bf16.
TEST(agreement, gelu_erf_derivative_times_a_gradient) {
  const auto inputs = moderate_inputs(20);
  for (const double gradient : {1.0 + 0x1p-8, -3.0 - 0x1p-7, -0x1p-149}) {
    const auto evaluate = [gradient](const auto& x) {
      return gelu_erf_slope{}(x).times(std::decay_t<decltype(x)>(gradient));
    };
    const auto textbook = [gradient](const auto& x) {
      return std::decay_t<decltype(x)>(gradient) * erf_slope(x);
    };
    EXPECT_GE(test::compare(k_gelu_erf_derivative, inputs, k_all, evaluate, textbook, gradient),
              6000u);
  }
}

}  // namespace
}  // namespace assay::reference
