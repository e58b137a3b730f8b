// R1: Boost.Multiprecision's cpp_bin_float with 50 decimal digits (168 bits), arithmetic correctly
// rounded. Expression templates are off, so that `auto` and Eigen's templates mean what they say;
// <boost/multiprecision/eigen.hpp> makes it a scalar of Eigen.
//
// This header is heavy. What needs only doubles as results should not include it.
#pragma once

#include "reference/real.hpp"
#include "reference/special.hpp"

#include <boost/multiprecision/cpp_bin_float.hpp>

#include <limits>

namespace assay::reference {

using real50 = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<50>,
                                             boost::multiprecision::et_off>;

template <>
struct real_traits<real50> {
  static constexpr int k_digits = std::numeric_limits<real50>::digits;
  static constexpr double k_exponent_range = 0x1p28;  // the exponent has 31 bits
};

/// exp, log, sqrt, sin and cos are Boost.Multiprecision's, the others our own (real50.cpp). 2^-156
/// is 12 bits less than the arithmetic: e^x loses log2 |x| bits where |x| is large, up to 8 of them
/// for x = -784, which is erfc's largest argument inside its table; tested against MPFR. exp
/// beyond, and erfc beyond 28, lose |x| 2^-166 and t^2 2^-166.
template <>
struct special<real50> {
  static constexpr double k_error = 0x1p-156;

  static real50 exp(const real50& x);
  static real50 expm1(const real50& x);
  static real50 log(const real50& x);
  static real50 log1p(const real50& x);
  static real50 sqrt(const real50& x);
  static real50 tanh(const real50& x);
  static real50 erf(const real50& x);
  static real50 erfc(const real50& x);
  static real50 sin(const real50& x);
  static real50 cos(const real50& x);
  static real50 pi();
};

}  // namespace assay::reference
