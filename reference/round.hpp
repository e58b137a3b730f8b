// Floating-point formats as numbers, and correct rounding to them from every scalar tier.
//
// A value of a format is a double: doubles hold every value of fp32, bf16 and fp16, and every
// midpoint between two neighbours. Nothing here narrows to a smaller dtype.
#pragma once

#include "reference/exact.hpp"
#include "reference/real.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

namespace assay::reference {

/// A binary IEEE-754 format with subnormals, infinities and NaN.
struct format {
  int precision;  // p, bits of the significand, the implicit one included
  int e_min;      // exponent of the smallest normal number, 2^e_min
  int e_max;      // exponent of the largest finite number, (2 - 2^(1-p)) 2^e_max

  constexpr bool operator==(const format&) const = default;
};

inline constexpr format k_fp32{24, -126, 127};
inline constexpr format k_bf16{8, -126, 127};
inline constexpr format k_fp16{11, -14, 15};
inline constexpr format k_fp64{53, -1022, 1023};

/// floor(log2 |x|) of a finite x other than zero.
constexpr int exponent(double x) {
  const auto biased = [](double y) { return int(std::bit_cast<std::uint64_t>(y) >> 52 & 0x7ff); };
  const int e = biased(x);
  return e != 0 ? e - 1023 : biased(x * 0x1p64) - 1023 - 64;
}

/// Are they the same double, the sign of zero included? All NaNs are one.
constexpr bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
         (is_nan(a) && is_nan(b));
}

constexpr double max_finite(const format& f) {
  return (2 - power_of_two(1 - f.precision)) * power_of_two(f.e_max);
}
constexpr double min_normal(const format& f) { return power_of_two(f.e_min); }
constexpr double min_subnormal(const format& f) {
  return power_of_two(f.e_min) * power_of_two(1 - f.precision);
}

/// ULP(x) = 2^(max(e(x), e_min) - p + 1), the distance between neighbours in x's binade, even where
/// that lies beyond the largest finite number. ULP(0) is the smallest subnormal, ULP(infinity) that
/// of the largest finite number, ULP(NaN) is NaN.
constexpr double ulp(const format& f, double x) {
  if (is_nan(x)) return k_nan;
  const double size = x < 0 ? -x : x;
  if (size < min_normal(f)) return min_subnormal(f);
  const int e = size == k_infinity ? f.e_max : exponent(size);
  return power_of_two(e) * power_of_two(1 - f.precision);
}
constexpr double half_ulp(const format& f, double x) { return ulp(f, x) / 2; }

/// x rounded to the nearest value of f, ties to the even significand, overflow as IEEE 754-2019 7.4
/// says, sign of zero kept, NaN to NaN. Adding and subtracting 1.5 2^k, whose last place is the ULP
/// wanted, makes the hardware round there: exact for p <= 51, since |x| < 2^(k-1).
inline double round(const format& f, double x) {
  if (f.precision == 53) return x;
  const double size = std::abs(x);
  if (!is_finite(x)) return x;
  const int e = size < min_normal(f) ? f.e_min : exponent(size);
  if (e > f.e_max) return std::copysign(k_infinity, x);
  const double pull = 1.5 * power_of_two(e + 53 - f.precision);
  const double rounded = (size + pull) - pull;
  return std::copysign(rounded > max_finite(f) ? k_infinity : rounded, x);
}

/// The double that a real number x becomes under rounding to odd, given a double `near` it, x
/// itself or one of x's two neighbours, and the sign of x - near. Rounding the result to p <= 51
/// bits gives what rounding x at once would have given (Boldo, Melquiond, "Emulation of FMA and
/// correctly rounded sums: proved algorithms using rounding to odd", IEEE Trans. Comput. 57(4),
/// 2008, theorem 3).
constexpr double round_to_odd(double near, int sign_of_rest) {
  auto bits = std::bit_cast<std::uint64_t>(near);
  if (sign_of_rest == 0 || !is_finite(near)) return near;
  if (near == 0) return sign_of_rest < 0 ? -0x1p-1074 : 0x1p-1074;
  if ((sign_of_rest < 0) != (near < 0)) --bits;  // x lies on zero's side: its lower neighbour
  return std::bit_cast<double>(bits | 1);
}

template <real R>
constexpr int sign(const R& x) {
  return int(R(0) < x) - int(x < R(0));
}

/// head + tail, exactly, rounded to odd, in a tier whose additions round to nearest (all but
/// double-double). A negative zero stays one: -0 + -0 = -0.
template <real R>
double odd_sum(const R& head, const R& tail) {
  const auto [sum, rest] = two_sum(head, tail);
  const double near = static_cast<double>(sum);
  if (!is_finite(near)) return near;
  const R gap = sum - R(near);  // exact: near holds the leading bits of sum
  return round_to_odd(near, gap == R(0) ? sign(rest) : sign(gap));
}

/// x of any tier, rounded to nearest in f.
template <real R>
double round(const format& f, const R& x) {
  const double near = static_cast<double>(x);
  if (!is_finite(near)) return near;
  const int side = sign(R(x - R(near)));
  if (f.precision < 53) return round(f, round_to_odd(near, side));
  if (side == 0) return near;
  const double other = std::nextafter(near, side * k_infinity);
  const R to_near = magnitude(R(x - R(near)));
  const R to_other = magnitude(R(x - R(other)));
  const bool near_is_even = (std::bit_cast<std::uint64_t>(near) & 1) == 0;
  return to_near < to_other || (to_near == to_other && near_is_even) ? near : other;
}

/// The neighbour of y, a value of f, towards plus infinity; max_finite's is infinity, and both
/// zeros' is the smallest subnormal.
constexpr double next_up(const format& f, double y) {
  if (is_nan(y) || y == k_infinity) return y;
  if (y == -k_infinity) return -max_finite(f);
  if (y >= max_finite(f)) return k_infinity;
  if (y >= 0) return y + ulp(f, y);
  const bool binade_below = y == -power_of_two(exponent(y)) && y < -min_normal(f);
  return y + (binade_below ? half_ulp(f, y) : ulp(f, y));
}
constexpr double next_down(const format& f, double y) { return -next_up(f, -y); }

/// The reals that round to one value: lo to hi, the ends included where `closed`. Zeros share their
/// interval by sign: +0 has [0, ULP/2], -0 has [-ULP/2, -0].
struct preimage {
  double lo;
  double hi;
  bool closed;
};

/// The reals that round to y, a value of f with p <= 51 (then every midpoint is a double).
inline preimage rounding_preimage(const format& f, double y) {
  const double size = std::abs(y);
  const double overflow = max_finite(f) + half_ulp(f, max_finite(f));
  double lo = size == k_infinity ? overflow : (size + next_down(f, size)) / 2;
  if (size == 0) lo = 0;
  const double hi = size >= max_finite(f) ? (size == k_infinity ? k_infinity : overflow)
                                          : (size + next_up(f, size)) / 2;
  const bool even = size == k_infinity || std::fmod(size, 2 * ulp(f, size)) == 0;
  return std::signbit(y) ? preimage{-hi, -lo, even} : preimage{lo, hi, even};
}

/// Ziv's test: the value of f that every real within `error` of `value` rounds to, if there is one.
inline std::optional<double> round_if_certain(const format& f, double value, double error) {
  const double low = round(f, odd_sum(value, -error));
  const double high = round(f, odd_sum(value, error));
  return same(low, high) ? std::optional(low) : std::nullopt;
}

}  // namespace assay::reference
