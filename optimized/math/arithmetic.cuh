// What the routines of this folder are made of: additions, multiplications, fused multiply-adds,
// comparisons, selects and integer operations, each of which gives the same bits on every IEEE
// machine. No branch, no table, no library call, no special-function unit.
//
// Operation counts in this folder: each fmaf, +, -, *, comparison, select, minimum, maximum and
// integer operation is one; |x|, -x and constants are free. Units in the last place (ULP) are
// error / 2^(max(e(truth), e_min) - p + 1), the error taken before any rounding of the truth.
#pragma once

#include "optimized/simt/scalar.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// c0 + x (c1 + x (c2 + ...)): Horner's rule, a fused multiply-add for each coefficient but the
// last.
SIMT_DEVICE float polynomial([[maybe_unused]] float x, float c0) { return c0; }

template <class... Floats>
SIMT_DEVICE float polynomial(float x, float c0, Floats... higher) {
  return fmaf(polynomial(x, higher...), x, c0);
}

// x + k_to_integer, |x| < 2^22, is x rounded to an integer k: as a float after subtracting
// k_to_integer again, and as the low bits of the sum. Such a sum is called `rounded` below.
constexpr float k_to_integer = 0x1.8p+23f;

// value 2^k, by adding k to the exponent field (1 operation): right as long as value and the result
// are normal numbers, or k is 0. A NaN does not survive it.
SIMT_DEVICE float times_power(float value, float rounded) {
  return simt::float_of(simt::bits_of(value) + (simt::bits_of(rounded) << 23));
}

// magnitude, which must not be negative, with the sign of x (1 operation).
SIMT_DEVICE float with_sign_of(float magnitude, float x) {
  return simt::float_of(simt::bits_of(magnitude) | (simt::bits_of(x) & 0x80000000u));
}

// 1/d within 1.1e-6, relative, for d > 0 with d and 1/d normal (5 operations). The integer
// subtraction negates the exponent and mirrors the mantissa: within 0.0506. Newton's iteration
// turns an error e into e^2 >= 0; a constant a little above 2 centres what is left.
SIMT_DEVICE float rough_reciprocal(float d) {
  float w = simt::float_of(0x7ef311c0u - simt::bits_of(d));
  w = w * fmaf(-d, w, 0x1.002aa8p+1f);
  return w * fmaf(-d, w, 0x1.000008p+1f);
}

// 1/d within 5.2e-5, relative, for 1 <= d <= 2 (4 operations): the minimax parabola, then Newton.
SIMT_DEVICE float rough_reciprocal_1_to_2(float d) {
  const float w = polynomial(d, 0x1.0f84p+1f, -0x1.745d54p+0f, 0x1.4afdap-2f);
  return w * fmaf(-d, w, 0x1.0001bp+1f);
}

// (e^r - 1 - r) / r^2 for |r| <= ln2/2 (4 operations): minimax for the error relative to e^r, which
// is 2^-28.26.
SIMT_DEVICE float exponential_curve(float r) {
  return polynomial(r, 0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558acp-5f, 0x1.123982p-7f,
                    0x1.6a51b4p-10f);
}

// e^r - 1 for |r| <= ln2/2 (6 operations).
SIMT_DEVICE float exponential_fraction(float r) { return fmaf(r * r, exponential_curve(r), r); }

// 2^f - 1 for |f| <= 1/2 (7 operations): f ln2 + f q(f), where q's constant is what ln2 loses as a
// float; minimax for the error relative to 2^f, which is 2^-28.89.
SIMT_DEVICE float power_of_two_fraction(float f) {
  const float q = polynomial(f, 0x1.5edb2ep-26f, 0x1.ebfbdcp-3f, 0x1.c6aee8p-5f, 0x1.3b2d74p-7f,
                             0x1.5f3ec4p-10f, 0x1.41e382p-13f);
  return fmaf(f, 0x1.62e43p-1f, f * q);
}

// x = k ln2 + r, |r| <= ln2/2, for |x| < 2^7 (4 operations). k ln2 is taken off in two parts: the
// first, of 16 bits, times k, of 8, is exact, and so is its subtraction (Sterbenz); the second
// rounds once, by at most 2^-26.
struct logarithmic_parts {
  float rounded, r;
};

SIMT_DEVICE logarithmic_parts split_by_ln2(float x) {
  const float rounded = fmaf(x, 0x1.715476p+0f, k_to_integer), k = rounded - k_to_integer;
  return {rounded, fmaf(k, -0x1.7f7d1cp-20f, fmaf(k, -0x1.62e4p-1f, x))};
}

// e^-t for 0 <= t < 2^7, as scale (1 + fraction) with scale = 2^(k + 64) (11 operations): the
// factor 2^64 keeps all that is multiplied by scale normal where e^-t is not.
struct tail_exponential {
  float fraction, scale;
};

constexpr float k_tail_scale = 0x1p+64f, k_tail_unscale = 0x1p-64f;

SIMT_DEVICE tail_exponential exp_of_minus(float t) {
  const auto [rounded, r] = split_by_ln2(-t);
  return {exponential_fraction(r), times_power(k_tail_scale, rounded)};
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
