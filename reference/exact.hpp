// Error-free transforms, and sums and dot products in twice the working precision.
//
// All are theorems about separately rounded IEEE operations to nearest, without overflow; the build
// forbids contraction (tools/cmake/flags.cmake). eta = 2^-1074, the smallest positive double.
#pragma once

#include "reference/real.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>

namespace assay::reference {

/// value + error, an unevaluated sum: value is the rounded result, error what the rounding lost.
template <real R>
struct exact_result {
  R value;
  R error;
};

/// A number and an absolute bound on its distance from what it stands for.
struct approximation {
  double value;
  double error;
};

/// a + b = value + error exactly (Knuth, TAOCP 2, 4.2.2, theorem B). Holds in every radix-2
/// arithmetic that rounds to nearest, so in all our tiers but double-double; underflow does no
/// harm.
template <real R>
constexpr exact_result<R> two_sum(const R& a, const R& b) {
  const R sum = a + b;
  const R b_part = sum - a;
  const R a_part = sum - b_part;
  const R b_lost = b - b_part;
  const R a_lost = a - a_part;
  return {sum, a_lost + b_lost};
}

/// a + b = value + error exactly if a = 0 or the exponent of a is no less than b's (Dekker 1971).
template <real R>
constexpr exact_result<R> fast_two_sum(const R& a, const R& b) {
  const R sum = a + b;
  return {sum, b - (sum - a)};
}

/// a b = value + error exactly, if ab = 0 or |ab| >= 2^-969 (the error is a multiple of the product
/// of the last places; Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., 4.4.1); below
/// that the computed error is off by at most eta / 2.
inline exact_result<double> two_product(double a, double b) {
  const double product = a * b;
  return {product, std::fma(a, b, -product)};
}

/// Sum of x as if in twice double's precision: Ogita, Rump, Oishi, "Accurate sum and dot product",
/// SIAM J. Sci. Comput. 26(6), 2005, algorithm 4.4 (Sum2). Proposition 4.5:
///   |result - s| <= u |s| + gamma_(n-1)^2 sum |x_i|,   gamma_k = k u / (1 - k u), u = 2^-53.
/// Where a term is infinite or NaN, the plain sum: what two_sum loses is NaN there.
inline double sum2(std::span<const double> x) {
  double sum = 0;
  double lost = 0;
  for (const double term : x) {
    const auto [value, error] = two_sum(sum, term);
    sum = value;
    lost += error;
  }
  return is_finite(sum) ? sum + lost : sum;
}

/// Dot product as if in twice double's precision: the same paper, algorithm 5.3 (Dot2), the error
/// carried along as in algorithm 5.8 (Dot2Err). Proposition 5.5, for the value, without underflow:
///   |value - x.y| <= u |x.y| + gamma_n^2 sum |x_i y_i|.
/// The error returned bounds |value - x.y| always, underflow included: with exact transforms
/// x.y = p + sum_i (q_i + r_i), so what is lost is the rounding of `lost` (2n - 1 additions of the
/// q_i and r_i: gamma_2n times the sum of their magnitudes), half an ulp of the last addition (u
/// |value|), and eta/2 a product. Twice gamma_2n, and eta itself, cover the rounding of the bound.
/// Where a product or a sum is infinite or NaN, the plain sum, without an error: what the
/// transforms lose is NaN there.
inline approximation dot2(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) throw std::invalid_argument("dot2: x and y differ in length");
  constexpr double k_u = k_unit_roundoff<double>;
  constexpr double k_eta = 0x1p-1074;
  double sum = 0;
  double lost = 0;
  double magnitudes = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto product = two_product(x[i], y[i]);
    const auto partial = two_sum(sum, product.value);
    sum = partial.value;
    lost += partial.error + product.error;
    magnitudes += std::abs(partial.error) + std::abs(product.error);
  }
  if (!is_finite(sum)) return {sum, 0};
  const double value = sum + lost;
  const double n = static_cast<double>(x.size());
  return {value, (1 + 8 * k_u) * (k_u * std::abs(value) + 4 * n * k_u * magnitudes + n * k_eta)};
}

}  // namespace assay::reference
