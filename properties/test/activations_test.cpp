// What is told of activations as models use them, on what the kernels give. Where chance decides,
// the margin is Hoeffding's inequality at a stated rate of false alarms.

#include "optimized/math/accuracy.hpp"
#include "properties/distribution.hpp"
#include "properties/harness.hpp"
#include "reference/gelu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_false_alarms = 1e-9;  // of each statement that chance decides

// |mean of n independent values in [0, width] - its expectation| exceeds this with probability
// k_false_alarms at most (Hoeffding 1963, theorem 2).
double hoeffding(double width, double n) {
  return width * std::sqrt(std::log(2 / k_false_alarms) / (2 * n));
}

// y = f(x) in fp32 by the emulated kernel.
std::vector<double> applied(const std::string& variant, const std::string& implementation,
                            const std::vector<double>& x) {
  const case_id id = parse_case(
      "v1/" + variant + ".fwd/x=fp32,y=fp32/n=" + std::to_string(x.size()) + "/dist=normal/seed=0");
  return outputs_of({id, implementation, "emulator", 0}, {id, {x}, {}}, {})[0];
}

std::vector<double> normal_sample(std::uint64_t seed, std::uint64_t count) {
  const distribution normal({"normal", {}});
  std::vector<double> x;
  for (std::uint64_t i = 0; i < count; ++i) x.push_back(normal.element({seed, 0, i, count}));
  return x;
}

std::vector<double> points_from_minus_3_to_3() {
  std::vector<double> x;
  for (int i = 0; i <= 100; ++i) x.push_back(float(-3 + 0.06 * i));
  return x;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double n = double(a.size());
  double sa = 0, sb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sa += a[i] / n, sb += b[i] / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - sa) * (b[i] - sb);
    aa += (a[i] - sa) * (a[i] - sa);
    bb += (b[i] - sb) * (b[i] - sb);
  }
  return ab / std::sqrt(aa * bb);
}

TEST(activations, relu_zeroes_half_of_a_normal_sample_and_gelu_nothing) {
  const std::vector<double> x = normal_sample(1, 100000);
  const auto zeros = [](const std::vector<double>& y) {
    return std::count(y.begin(), y.end(), 0.0);
  };
  const double n = double(x.size());
  EXPECT_LE(std::abs(double(zeros(applied("relu.plain", "select", x))) / n - 0.5), hoeffding(1, n));
  EXPECT_EQ(zeros(applied("gelu.erf", "fused", x)), 0);
  EXPECT_EQ(zeros(applied("gelu.tanh", "fused", x)), 0);
}

TEST(activations, the_two_forms_of_gelu_correlate_to_two_digits) {
  const std::vector<double> x = points_from_minus_3_to_3(), erf = applied("gelu.erf", "fused", x),
                            tanh = applied("gelu.tanh", "fused", x);
  EXPECT_EQ(std::round(100 * correlation(erf, tanh)) / 100, 1.00);
  EXPECT_NE(erf, tanh);
}

// The two forms differ most near 2.698941, by 4.732356e-4. Both kernels are within 2 ULPs of 2^-22
// there, so the differences carry an error e of 4 such ULPs. Around its maximum the difference is
// 4.732356e-4 - 0.00159 h^2 / 2: a point whose difference comes out largest lies within
// sqrt(2 * 2e / 0.00159) of the top, and the spacing of the points.
TEST(activations, the_two_forms_of_gelu_differ_by_at_most_4_732356e_4) {
  std::vector<double> x;
  for (int i = -60000; i <= 60000; ++i) x.push_back(float(i * 1e-4));
  const std::vector<double> erf = applied("gelu.erf", "fused", x),
                            tanh = applied("gelu.tanh", "fused", x);
  std::size_t worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::abs(erf[i] - tanh[i]) > std::abs(erf[worst] - tanh[worst])) worst = i;
  const double error = 4 * 0x1p-22, printed = 0.5e-10;
  EXPECT_LE(std::abs(std::abs(erf[worst] - tanh[worst]) - 4.732356e-4), error + printed);
  EXPECT_LE(std::abs(std::abs(x[worst]) - 2.698941), std::sqrt(4 * error / 0.00159) + 1e-4);
}

// gelu(x) is E[x 1(X < x)], X standard normal: what GELU was derived from.
TEST(activations, gelu_is_the_expectation_of_x_where_a_normal_variable_lies_below) {
  const std::vector<double> sample = normal_sample(2, 200000);
  const double n = double(sample.size());
  const std::vector<double> x = {-2.5, -1, -0.75, -0.125, 0, 0.5, 1, 2, 3};
  const std::vector<double> y = applied("gelu.erf", "fused", x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto below =
        std::count_if(sample.begin(), sample.end(), [&](double s) { return s < x[i]; });
    EXPECT_LE(std::abs(x[i] * double(below) / n - y[i]), hoeffding(std::abs(x[i]), n)) << x[i];
  }
}

// The lowest result over all finite fp32 numbers around it is the function's one minimum, rounded.
TEST(activations, gelu_has_its_minimum_at_minus_0_7517915) {
  std::vector<double> x;
  for (float at = -0.76f; at < -0.745f; at = std::nextafter(at, 0.0f)) x.push_back(at);
  const std::vector<double> y = applied("gelu.erf", "fused", x);
  const double lowest = *std::min_element(y.begin(), y.end());
  const double ulp = 0x1p-26;  // of results in [1/8, 1/4)
  const double error = optimized::k_gelu_erf_ulps * ulp;
  // The float nearest to the minimum has a result within `error`, and half a float's distance makes
  // no difference of 2^-53 there.
  EXPECT_LE(std::abs(lowest - -0.16997120747990366), error + 0x1p-53);
  // gelu(x) - minimum >= c/2 h^2 where gelu'' = (2 - x^2) phi(x) >= c, and over these x it is
  // within 2 % of its value at the minimum: results within twice the error lie within sqrt(2 * 2
  // error / c).
  const double root = -0.75179152469356446;
  const double curve = 0.98 * reference::gelu_erf_second_derivative(root);
  const double at = x[std::size_t(std::min_element(y.begin(), y.end()) - y.begin())];
  EXPECT_LE(std::abs(at - root), std::sqrt(4 * error / curve));
}

// The policy of reference/README.md, "infinite gradients": the mathematics has the limit, contracts
// and kernels the product with the derivative as fp32 has it.
TEST(activations, an_infinite_gradient_meets_the_derivative_as_fp32_has_it) {
  const std::vector<double> x = {-200, -0.5, 0, 3, reference::k_infinity, -reference::k_infinity};
  for (const std::string variant : {"gelu.erf", "gelu.tanh", "silu.plain", "mish.plain"})
    for (const double dy : {reference::k_infinity, -reference::k_infinity}) {
      const case_id id =
          parse_case("v1/" + variant + ".bwd/x=fp32,dy=fp32,dx=fp32/n=" + std::to_string(x.size()) +
                     "/dist=normal/seed=0");
      const case_inputs inputs{id, {x, std::vector<double>(x.size(), dy)}, {}};
      const std::vector<double> exact = contract_of(id).exact(inputs)[0].value,
                                got = outputs_of({id, "fused", "emulator", 0}, inputs, {})[0];
      for (std::size_t i = 0; i < x.size(); ++i) {
        const bool underflown = x[i] <= -200;
        const double expected = underflown ? reference::k_nan : dy;
        EXPECT_TRUE(reference::same(exact[i], expected)) << variant << " at " << x[i];
        EXPECT_TRUE(reference::same(got[i], expected)) << variant << " at " << x[i];
        const reference::elementwise& slope = *contract_of(id).elementwise;
        EXPECT_EQ(correctly_rounded(slope, reference::k_fp32, x[i], dy), underflown ? -dy : dy)
            << variant << " at " << x[i];
      }
    }
}

}  // namespace
}  // namespace assay::properties
