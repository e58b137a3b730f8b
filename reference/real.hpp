// The scalar tiers of the reference, and what a scalar must offer.
//
//   R0  double, double_double    reference/double_double.hpp   bulk work; states its own error
//   R1  real50                   reference/real50.hpp          50 decimal digits; works with Eigen
//   R2  mpfr_real<Bits>          reference/mpfr_real.hpp       an independent engine, any precision
//       interval<Bits>           reference/interval.hpp        the same with both ends (MPFI)
//
// This header names no multiprecision library: each tier's header brings its own.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>

namespace assay::reference {

/// What the mathematics must know of a scalar R; every tier specializes it:
///   static constexpr int k_digits;              bits of the significand, p
///   static constexpr double k_exponent_range;   e^(-w) neither overflows nor underflows, nor do
///                                               its products with polynomials in w of degree 3,
///                                               for 0 <= w <= k_exponent_range
template <class R>
struct real_traits;

template <class R>
concept real = std::copyable<R> && std::totally_ordered<R> && std::constructible_from<R, double> &&
               requires(const R a, const R b) {
                 { a + b } -> std::convertible_to<R>;
                 { a - b } -> std::convertible_to<R>;
                 { a* b } -> std::convertible_to<R>;
                 { a / b } -> std::convertible_to<R>;
                 { -a } -> std::convertible_to<R>;
                 { static_cast<double>(a) } -> std::same_as<double>;
                 { real_traits<R>::k_digits } -> std::convertible_to<int>;
               };

template <>
struct real_traits<double> {
  static constexpr int k_digits = 53;
  static constexpr double k_exponent_range =
      690;  // e^-690 = 2^-995.5; the smallest normal: 2^-1022
};

inline constexpr double k_infinity = std::numeric_limits<double>::infinity();
inline constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();

/// 2^exponent, exactly; -1022 <= exponent <= 1023.
constexpr double power_of_two(int exponent) {
  return std::bit_cast<double>(std::uint64_t(exponent + 1023) << 52);
}

/// Unit roundoff of R, u = 2^-p: relative error of one correctly rounded operation. As a double,
/// since it is a power of two.
template <real R>
inline constexpr double k_unit_roundoff = power_of_two(-real_traits<R>::k_digits);

template <real R>
constexpr R magnitude(const R& x) {
  return x < R(0) ? R(-x) : x;
}

template <real R>
constexpr bool is_nan(const R& x) {
  return !(x <= R(0) || R(0) <= x);
}

template <real R>
constexpr bool is_finite(const R& x) {
  return magnitude(x) < R(k_infinity);
}

}  // namespace assay::reference
