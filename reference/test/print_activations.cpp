// Prints correctly rounded values of every activation, for an oracle to check: lines of
//   FUNCTION FORMAT X ALPHA VALUE
// in hexadecimal, for tools/oracle/activations.py.

#include "reference/gelu.hpp"
#include "reference/mish.hpp"
#include "reference/relu.hpp"
#include "reference/silu.hpp"
#include "reference/test/support.hpp"

#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace assay::reference;

constexpr std::pair<const char*, format> k_formats[] = {
    {"fp32", k_fp32}, {"bf16", k_bf16}, {"fp16", k_fp16}};

std::vector<double> inputs() {
  test::generator random(61);
  std::vector<double> x = {0.0, -0.0, k_infinity, -k_infinity, k_nan};
  const auto with_neighbours = [&](double centre) {
    const double near = round(k_fp32, centre);
    for (const double y : {next_down(k_fp32, near), near, next_up(k_fp32, near)}) x.push_back(y);
  };
  for (const double y : test::k_turning_points) with_neighbours(y);
  for (const double y : test::k_hard_cases) with_neighbours(y);
  for (const auto& [name, f] : k_formats) {
    for (const int units : {1, 2, 3, 101}) {  // ties of x/2, and near them
      x.push_back(units * min_subnormal(f));
      x.push_back(-units * min_subnormal(f));
    }
    for (const double y : {max_finite(f), -max_finite(f), min_normal(f), -min_normal(f)})
      x.push_back(y);
  }
  for (int i = 0; i < 70; ++i) x.push_back(round(k_fp32, random.uniform(-16, 6)));
  for (int i = 0; i < 70; ++i) x.push_back(round(k_fp32, random.with_exponent(-30, 4)));
  for (int e = -148; e < 128; e += 6) x.push_back(round(k_fp32, random.with_exponent(e, e)));
  return x;
}

void print(const elementwise& function, const std::vector<double>& x, double alpha) {
  for (const auto& [name, f] : k_formats) {
    for (const double at : x) {
      const double value = correctly_rounded(function.with(alpha), f, at);
      std::printf("%s %s %a %a %a\n", function.name.data(), name, at, alpha, value);
    }
  }
}

}  // namespace

int main() {
  const auto x = inputs();
  for (const auto& function :
       {k_relu, k_relu_derivative, k_gelu_erf, k_gelu_erf_derivative, k_gelu_tanh,
        k_gelu_tanh_derivative, k_silu, k_silu_derivative, k_mish, k_mish_derivative}) {
    print(function, x, 1);
  }
  std::vector<double> moderate;  // alpha x within +-20
  for (const double at : x) {
    if (std::abs(at) <= 12 && at != 0) moderate.push_back(at);
  }
  for (const auto& function :
       {k_gelu_scaled, k_gelu_scaled_derivative, k_gelu_scaled_derivative_in_alpha}) {
    print(function, moderate, round(k_fp32, 1.702));
  }
  return 0;
}
