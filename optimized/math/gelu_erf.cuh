// GELU, x Phi(x) = x/2 (1 + erf(x / sqrt 2)), and its derivative Phi(x) + x phi(x).
//
// With t = |x| and R(t) = Phi(-t) e^(t^2/2), which is smooth (1/2 at 0, 1 / (t sqrt(2 pi)) far
// out),
//   gelu(-t) = -e^(-t^2/2) t R(t)              gelu(t) = t + gelu(-t)
//   gelu'(-t) = e^(-t^2/2) (R(t) - t phi(0))   gelu'(t) = 1 - gelu'(-t).
// R is taken as a polynomial in g = t / (t + c), which maps [0, inf) to [0, 1).
#pragma once

#include "optimized/math/gate.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// 2 (half + half_low) e^(r/2) for |r| <= ln2 (10 operations). half enters exactly once, through
// fused multiply-adds, so that its own rounding is no error.
SIMT_DEVICE float times_half_exponential(float half, float half_low, float r) {
  const float curve = r * r *
                      polynomial(r, 0x1.fffffcp-3f, 0x1.555492p-5f, 0x1.5558acp-8f, 0x1.123982p-11f,
                                 0x1.6a51b4p-15f);
  return fmaf(2.0f, half, fmaf(half, r, fmaf(half, curve, 2.0f * half_low)));
}

// All x: -0 below -14.5, x from 14.5 on; gelu(-0) = -0, gelu(-infinity) = -0, NaN to NaN. At most
// 1.618 ULP, at -0x1.9eb7a6p+1, over all 2^32 inputs.
SIMT_DEVICE float gelu_erf(float x) {
  const float t = simt::min(fabsf(x), 14.5f);

  // -t^2 = 2 k ln2 + r, |r| <= ln2: k 2 ln2's first part is exact, and t^2 not rounded.
  const float rounded = fmaf(t * t, -0x1.715476p-1f, k_to_integer), k = rounded - k_to_integer;
  const float r = fmaf(k, -0x1.7f7d1cp-19f, fmaf(-t, t, k * -0x1.62e4p+0f));

  // g + g_low = t / (t + 3).
  const float d = t + 3.0f, d_low = t - (d - 3.0f), w = rough_reciprocal(d);
  const float q = t * w, residual = fmaf(-d_low, q, fmaf(-d, q, t));
  const float g = fmaf(residual, w, q), g_low = fmaf(residual, w, q - g);

  // m + m_low = R(t) (t + 3) 2^29.
  const float c = g - 0x1.b8p-2f;
  const float slope = polynomial(
      c, -0x1.27451p+29f, 0x1.fcfc92p+28f, -0x1.483fa2p+27f, -0x1.ea69f8p+26f, 0x1.76c824p+26f,
      0x1.ed0f92p+25f, -0x1.649586p+25f, -0x1.7e171ap+25f, 0x1.c11f1ap+23f, 0x1.d06baap+24f);
  constexpr float m0 = 0x1.9c5b5p+28f;
  const float m = fmaf(slope, c, m0), m_low = fmaf(slope, g_low, fmaf(slope, c, m0 - m));

  // half + half_low = t R(t) 2^29. The factor 2^30 keeps v 2^k normal where the result is not.
  const float half = g * m, half_low = fmaf(g_low, m, fmaf(g, m_low, fmaf(g, m, -half)));
  const float v = times_half_exponential(half, half_low, r);
  return fmaf(-times_power(v, rounded), 0x1p-30f, simt::max_nan(x, -0.0f));
}

// All x: -0 below -14.75, 1 from 14.75 on and at infinity, 1/2 at the zeros, NaN to NaN; relative
// accuracy at its zero, t0. At most 1.916 ULP, at -0x1.a7a5d4p-1, over all 2^32 inputs.
SIMT_DEVICE float gelu_erf_derivative(float x) {
  const float t = simt::min_nan(fabsf(x), 14.75f);

  // -t^2 = 2 k ln2 + r, with one rounding.
  const float s = t * t, s_low = fmaf(t, t, -s);
  const float rounded = fmaf(s, -0x1.715476p-1f, k_to_integer), k = rounded - k_to_integer;
  const float r = fmaf(k, -0x1.62e4p+0f, -s) + fmaf(k, -0x1.7f7d1cp-19f, -s_low);

  // c = t / (t + 2.46875) - 0.3935546875.
  const float d = t + 0x1.3cp+1f, w = rough_reciprocal(d), q = t * w;
  const float c = fmaf(fmaf(-d, q, t), w, q) - 0x1.93p-2f;

  // m + m_low = (R(t) - t phi(0)) / (t - t0) / 2.
  const float slope =
      polynomial(c, 0x1.3091f4p-3f, -0x1.76828cp-4f, 0x1.6a50d4p-8f, 0x1.8452a6p-6f,
                 0x1.6091fcp-10f, -0x1.46f0bcp-7f, -0x1.3b2474p-8f, 0x1.a89e5ep-9f, 0x1.ea838ap-9f);
  constexpr float m0 = -0x1.0a47c4p-2f;
  const float m = fmaf(slope, c, m0), m_low = fmaf(slope, c, m0 - m);

  // y + y_low = t - t0.
  const float a = t - 0x1.80ead2p-1f, a_low = ((t - a) - 0x1.80ead2p-1f) + 0x1.a03fd4p-27f;
  const float y = a + a_low, y_low = (a - y) + a_low;

  const float half = y * m, half_low = fmaf(y_low, m, fmaf(y, m_low, fmaf(y, m, -half)));
  const float v = times_half_exponential(half, half_low, r);
  return gate_derivative_result(x, v * times_power(k_tail_scale, rounded));
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
