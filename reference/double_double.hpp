// R0, double-double: an unevaluated sum hi + lo of two doubles with hi = RN(hi + lo): 106 bits or
// more.
//
// Algorithms and relative errors (u = 2^-53, neither overflow nor underflow):
//   [JMP] Joldes, Muller, Popescu, "Tight and rigorous error bounds for basic building blocks of
//         double-word arithmetic", ACM TOMS 44(2), 2017; proofs checked, and some bounds sharpened,
//         in Muller, Rideau, "Formalization of double-word arithmetic", ACM TOMS 48(1), 2022
//   [LLMPR] Lefevre, Louvet, Muller, Picot, Rideau, "Accurate calculation of Euclidean norms using
//         double-word arithmetic", ACM TOMS 49(1), 2023
#pragma once

#include "reference/exact.hpp"
#include "reference/real.hpp"

#include <cmath>
#include <compare>

namespace assay::reference {

struct double_double {
  double hi = 0;
  double lo = 0;

  constexpr double_double() = default;
  constexpr double_double(double value) : hi(value) {}  // NOLINT(google-explicit-constructor)
  /// From an exact sum: hi = RN(hi + lo).
  constexpr explicit double_double(const exact_result<double>& sum)
      : hi(sum.value), lo(sum.error) {}

  constexpr explicit operator double() const { return hi; }

  /// Relative errors of the operations below, stated and tested.
  static constexpr double k_u2 = 0x1p-106;
  static constexpr double k_add_error = 3.01 * k_u2;       // 3 u^2 + 13 u^3
  static constexpr double k_multiply_error = 4.01 * k_u2;  // 4 u^2 + O(u^3)
  static constexpr double k_divide_error = 15.01 * k_u2;   // 15 u^2 + 56 u^3
  static constexpr double k_sqrt_error = 3.125 * k_u2;     // 25/8 u^2

  constexpr double_double operator-() const {
    double_double result;
    result.hi = -hi;
    result.lo = -lo;
    return result;
  }

  /// [JMP] algorithm 6, AccurateDWPlusDW.
  friend constexpr double_double operator+(const double_double& x, const double_double& y) {
    const auto high = two_sum(x.hi, y.hi);
    const auto low = two_sum(x.lo, y.lo);
    const auto v = fast_two_sum(high.value, high.error + low.value);
    return double_double(fast_two_sum(v.value, low.error + v.error));
  }
  friend constexpr double_double operator-(const double_double& x, const double_double& y) {
    return x + (-y);
  }

  /// [JMP] algorithm 12, DWTimesDW3.
  friend double_double operator*(const double_double& x, const double_double& y) {
    const auto product = two_product(x.hi, y.hi);
    const double cross = std::fma(x.lo, y.hi, std::fma(x.hi, y.lo, x.lo * y.lo));
    return double_double(fast_two_sum(product.value, product.error + cross));
  }

  /// [JMP] algorithm 17, DWDivDW2, with algorithm 7, DWTimesFP1, inside.
  friend double_double operator/(const double_double& x, const double_double& y) {
    const double quotient = x.hi / y.hi;
    const auto product = two_product(y.hi, quotient);
    const auto shifted = fast_two_sum(product.value, y.lo * quotient);
    const auto back = fast_two_sum(shifted.value, shifted.error + product.error);
    const double remainder = (x.hi - back.value) + (x.lo - back.error);
    return double_double(fast_two_sum(quotient, remainder / y.hi));
  }

  double_double& operator+=(const double_double& y) { return *this = *this + y; }
  double_double& operator-=(const double_double& y) { return *this = *this - y; }
  double_double& operator*=(const double_double& y) { return *this = *this * y; }
  double_double& operator/=(const double_double& y) { return *this = *this / y; }

  /// hi first, then lo: right because hi = RN(hi + lo) makes the representation of a value unique.
  friend constexpr auto operator<=>(const double_double&, const double_double&) = default;
};

/// [LLMPR] algorithm SQRTDWtoDW; x >= 0.
inline double_double sqrt(const double_double& x) {
  if (x.hi == 0) return x;
  const double root = std::sqrt(x.hi);
  const double rest = std::fma(-root, root, x.hi);
  return double_double(fast_two_sum(root, (x.lo + rest) / (2 * root)));
}

/// The exact sum and the exact product of two doubles (the product under two_product's condition).
inline double_double add_exact(double a, double b) { return double_double(two_sum(a, b)); }
inline double_double multiply_exact(double a, double b) { return double_double(two_product(a, b)); }

template <>
struct real_traits<double_double> {
  static constexpr int k_digits = 102;             // every operation is good to 15.01 u^2 < 2^-102
  static constexpr double k_exponent_range = 600;  // lo must not underflow either
};

}  // namespace assay::reference
