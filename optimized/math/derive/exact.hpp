// One function's correctly rounded results and its unrounded truth, input by input.
#pragma once

#include "truth.hpp"

namespace derive {

// A binary floating-point format: p bits, smallest normal exponent, largest finite number.
struct format {
  int precision, min_exponent;
  double largest;
};

constexpr format k_fp32{24, -126, 0x1.fffffep+127}, k_bf16{8, -126, 0x1.fep+127},
    k_fp16{11, -14, 65504.0};

// The unit in the last place of y, 2^(max(e(y), e_min) - p + 1).
inline double unit(const format& f, double y) {
  const int e = y == 0 ? f.min_exponent : std::max(f.min_exponent, std::ilogb(y));
  return std::ldexp(1.0, e - f.precision + 1);
}

// y, of at most 53 bits, rounded to nearest even; beyond the largest number by half a unit:
// infinite.
inline double rounded(const format& f, double y) {
  if (!std::isfinite(y) || y == 0) return y;
  const double u = unit(f, y), r = std::nearbyint(y / u) * u;
  return std::fabs(r) > f.largest ? std::copysign(INFINITY, y) : std::copysign(std::fabs(r), y);
}

// The number with these bits.
inline double value_of(const format& f, std::uint32_t bits) {
  if (f.precision == 24) return float_of(bits);
  if (f.precision == 8) return float_of(bits << 16);
  const int e = bits >> 10 & 31, m = bits & 1023;
  const double magnitude = e == 31 ? (m ? NAN : INFINITY)
                           : e     ? std::ldexp(1024 + m, e - 25)
                                   : std::ldexp(m, -24);
  return bits >> 15 ? -magnitude : magnitude;
}

struct exact_result {
  double truth;    // to double's precision
  double correct;  // correctly rounded, the sign of a zero included
};

// What f(x) is as x goes to an infinity.
inline double limit(kind which, double x) {
  switch (which) {
    case kind::exp:
      return x > 0 ? INFINITY : 0.0;
    case kind::erf:
    case kind::tanh:
      return x > 0 ? 1.0 : -1.0;
    case kind::cosh:
      return INFINITY;
    case kind::log1p:
      return x > 0 ? INFINITY : NAN;
    default:
      break;
  }
  if (is_derivative(which)) return x > 0 ? 1.0 : -0.0;
  return x > 0 ? INFINITY : -0.0;
}

inline exact_result exact(const function& f, const format& to, double x) {
  if (std::isnan(x)) return {x, x};
  if (std::isinf(x)) return {limit(f.which, x), limit(f.which, x)};
  const bool halves =
      f.which == kind::gelu_erf || f.which == kind::gelu_tanh || f.which == kind::silu;
  // x/2 + c x^2, c > 0: just above x/2, which may be a tie.
  if (halves && x != 0 && std::fabs(x) < 0x1p-60) {
    return {0.5 * x, rounded(to, std::nextafter(0.5 * x, INFINITY))};
  }
  const auto [value, terms] = f.in_double(x);
  if (std::fabs(value) < 0x1p-200) {
    const bool negative =
        is_derivative(f.which) || (x < 0 && f.which != kind::exp) || (x == 0 && std::signbit(x));
    const double zero = negative ? -0.0 : 0.0;
    return {zero, zero};
  }
  const double margin = terms * 0x1p-40;
  const double low = rounded(to, value - margin), high = rounded(to, value + margin);
  const bool near_root = std::fabs(x - f.root) < 0x1p-6;
  if (!near_root && low == high) return {value, low};
  const double at_odd = [&] {  // round to odd at 53 bits, so that rounding again is rounding once
    const number v = precise(f.which, x, 160);
    const double down = mpfr_get_d(v.get(), MPFR_RNDZ);
    if (mpfr_cmp_d(v.get(), down) == 0) return down;
    std::uint64_t bits;
    std::memcpy(&bits, &down, sizeof bits);
    bits |= 1;
    double odd;
    std::memcpy(&odd, &bits, sizeof odd);
    return odd;
  }();
  return {at_odd, rounded(to, at_odd)};
}

}  // namespace derive
