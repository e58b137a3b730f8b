// The tanh form of GELU, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = x sigmoid(u) with
// u = 2 sqrt(2/pi) x (1 + 0.044715 x^2), and its derivative.
#pragma once

#include "optimized/math/gate.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// Beyond t = 11, t e^-u(t) underflows to 0.
constexpr float k_gelu_tanh_last = 11.0f;

// t^2 = high + low, high a multiple of 1/16 (3 operations). For t <= 11 that leaves high 11 bits,
// and its product with a constant of 13 bits, plus one of at most 20 behind the point, is exact.
struct split_square {
  float high, low;
};

SIMT_DEVICE split_square square_in_two(float t) {
  const float high = fmaf(t, t, 0x1.8p+19f) - 0x1.8p+19f;
  return {high, fmaf(t, t, -high)};
}

// e^-u(t) as in tail_exponential, but in base 2 (16 operations): log2(e) u(t) = t (A + B t^2), p =
// A + B t^2 exact in its leading part, so that the exponent, up to 160, is known to 2^-24.
SIMT_DEVICE tail_exponential exp_of_minus_u(float t, split_square s) {
  const float p = fmaf(0x1.a5ap-4f, s.high, 0x1.26aecp+1f);
  const float p_low = fmaf(0x1.a5a7dp-4f, s.low, fmaf(0x1.f3dd5cp-18f, s.high, 0x1.0de73ap-22f));
  const float rounded = fmaf(-t, p, k_to_integer), k = rounded - k_to_integer;
  const float f = fmaf(-t, p_low, fmaf(-t, p, -k));
  return {power_of_two_fraction(f), times_power(k_tail_scale, rounded)};
}

// All x: -0 below -11, x from 11 on; gelu(-0) = -0, gelu(-infinity) = -0, NaN to NaN. At most 1.216
// ULP, at -0x1.3da084p+3, over all 2^32 inputs.
SIMT_DEVICE float gelu_tanh(float x) {
  const float t = simt::min_nan(fabsf(x), k_gelu_tanh_last);
  return gate(x, t, exp_of_minus_u(t, square_in_two(t)));
}

// All x: -0 below -11, 1 from 11 on and at infinity, 1/2 at the zeros, NaN to NaN; a polynomial
// near its zero. At most 1.825 ULP, at -0x1.60f5e2p-1, over all 2^32 inputs.
SIMT_DEVICE float gelu_tanh_derivative(float x) {
  const float t = simt::min_nan(fabsf(x), k_gelu_tanh_last);
  const split_square s = square_in_two(t);
  // t u'(t) = t (A + B t^2) = h + h_low.
  const float p = fmaf(0x1.b66p-3f, s.high, 0x1.98846p+0f);
  const float p_low = fmaf(0x1.b6676cp-3f, s.low, fmaf(0x1.dafdd2p-17f, s.high, -0x1.985794p-21f));
  const float h = t * p, h_low = fmaf(t, p_low, fmaf(t, p, -h));
  const float far = gate_derivative(h, h_low, exp_of_minus_u(t, s));

  const float y = t - 0x1.8142ap-1f;
  const float near = near_zero(y, -0x1.4f6404p+36f, -0x1.b8baccp+62f, -0x1.299bf6p+37f,
                               0x1.8cd19cp+62f, 0x1.0295c6p+58f, -0x1.d252bep+60f, 0x1.1044ccp+58f);
  return gate_derivative_result(x, fabsf(y) < 0.0625f ? near : far);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
