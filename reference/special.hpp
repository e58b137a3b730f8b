// The special functions, by tier: special<R>::erfc(x) and so on, for every scalar R that has them.
//
//   exp expm1 log log1p sqrt tanh erf erfc, pi()      each with relative error at most k_error
//   sin cos      the same in R0 and R2; in R1 an absolute error of k_error (1 + |x|)
//
// Dispatch is by this struct and not by overloads, because argument-dependent lookup would find
// Boost.Math's erfc for R1 (109,000 ns a call) before ours.
//
// `error` means: |computed - true| <= k_error |true| for the argument as given, wherever the true
// value is neither subnormal nor zero nor overflowing; for erf, expm1, log1p, tanh that includes
// all tiny arguments, and for erfc the far tail.
#pragma once

#include "reference/real.hpp"

#include <cmath>

namespace assay::reference {

template <real R>
struct special;

/// R0: the C library's. 2^-48 is 16 ULPs. The largest errors known of glibc 2.36 to 2.40 are 5.2
/// ULPs (erfc), 2.2 (tanh), 1.4 (erf), below 1 for exp, expm1, log, log1p, sin, cos (Gladman,
/// Innocente, Mather, Zimmermann, "Accuracy of mathematical functions in single, double, extended
/// double and quadruple precision", HAL hal-03141101); musl's and the BSDs' are of the same family.
/// The statement is tested against R1 (reference/test/special_test.cpp), so a worse library does
/// not pass.
template <>
struct special<double> {
  static constexpr double k_error = 0x1p-48;

  static double exp(double x) { return std::exp(x); }
  static double expm1(double x) { return std::expm1(x); }
  static double log(double x) { return std::log(x); }
  static double log1p(double x) { return std::log1p(x); }
  static double sqrt(double x) { return std::sqrt(x); }
  static double tanh(double x) { return std::tanh(x); }
  static double erf(double x) { return std::erf(x); }
  static double erfc(double x) { return std::erfc(x); }
  static double sin(double x) { return std::sin(x); }
  static double cos(double x) { return std::cos(x); }
  static constexpr double pi() { return 0x1.921fb54442d18p1; }
};

/// Constants of the formulas; each computed once a tier, with a relative error of at most 3 u.
template <real R>
struct constants {
  /// 1 / sqrt 2
  static const R& inverse_sqrt_2() {
    static const R value = special<R>::sqrt(R(0.5));
    return value;
  }
  /// 1 / sqrt(2 pi) = phi(0), the standard normal density at its mean
  static const R& inverse_sqrt_2_pi() {
    static const R value = special<R>::sqrt(R(R(0.5) / special<R>::pi()));
    return value;
  }
  /// sqrt(2 / pi)
  static const R& sqrt_2_over_pi() {
    static const R value = special<R>::sqrt(R(R(2) / special<R>::pi()));
    return value;
  }
  /// 2 / sqrt pi = erf'(0)
  static const R& two_over_sqrt_pi() {
    static const R value = R(2) / special<R>::sqrt(special<R>::pi());
    return value;
  }
};

template <>
struct constants<double> {
  static constexpr double inverse_sqrt_2() { return 0x1.6a09e667f3bcdp-1; }
  static constexpr double inverse_sqrt_2_pi() { return 0x1.9884533d43651p-2; }
  static constexpr double sqrt_2_over_pi() { return 0x1.9884533d43651p-1; }
  static constexpr double two_over_sqrt_pi() { return 0x1.20dd750429b6dp0; }
};

}  // namespace assay::reference
