// Mish, x tanh(ln(1 + e^x)), and its derivative. With t = |x|, E = e^-t, and F = E on the left or
// 2E on the right, D = 1 + F + F^2/2,
//   mish(-t) = -t E (1 + E/2) / D           mish(t) = t - t (F^2/2) / D
//   mish'(-t), 1 - mish'(t) = F (g - t j / D) / D,
//       g = 1 + F/2 and j = 1 + F on the left, g = F/2 and j = F (1 + F/2) on the right.
#pragma once

#include "optimized/math/gate.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// Beyond t = 110, t e^-t underflows to 0.
constexpr float k_mish_last = 110.0f;

SIMT_DEVICE bool is_negative(float x) { return static_cast<std::int32_t>(simt::bits_of(x)) < 0; }

// All x: -0 below -110, x from 110 on; mish(-0) = -0, mish(-infinity) = -0, NaN to NaN.
SIMT_DEVICE float mish(float x) {
  const float t = simt::min_nan(fabsf(x), k_mish_last);
  const float one = is_negative(x) ? 1.0f : 0.0f;
  const auto [fraction, e_scale] = exp_of_minus(t);
  const float scale = e_scale * (is_negative(x) ? 0.5f : 1.0f);

  // a + a_low = t F/2 2^64, h = F/2.
  const float ts = t * scale;
  const float a = fmaf(ts, fraction, ts), a_low = fmaf(ts, fraction, ts - a);
  const float h = fmaf(scale, fraction, scale) * k_tail_unscale;

  const float g = h + one, g_low = (one - g) + h;
  const float u = fmaf(2.0f, h, 2.0f), u_low = fmaf(2.0f, h, 2.0f - u);
  const float d = fmaf(h, u, 1.0f), d_low = fmaf(h, u_low, fmaf(h, u, 1.0f - d));
  const float n = a * g, n_low = fmaf(a, g_low, fmaf(a_low, g, fmaf(a, g, -n)));

  const float w = rough_reciprocal(d), q = n * w;
  const float residual = fmaf(-d_low, q, fmaf(-d, q, n) + n_low);
  return gate_result(x, 2.0f * fmaf(residual, w, q));
}

// All x: -0 below -110, 1 from 110 on and at infinity, 0.6 at the zeros, NaN to NaN; a polynomial
// near its zero.
SIMT_DEVICE float mish_derivative(float x) {
  const float t = simt::min_nan(fabsf(x), k_mish_last);
  const bool negative = is_negative(x);
  const auto [fraction, e_scale] = exp_of_minus(t);
  const float scale = e_scale * (negative ? 1.0f : 2.0f);

  // F + F_low, scaled by 2^64 and not.
  const float fs = fmaf(scale, fraction, scale), fs_low = fmaf(scale, fraction, scale - fs);
  const float f = fs * k_tail_unscale, f_low = fs_low * k_tail_unscale;

  // 1 + F/2, 1 + F, D, and w = 1/D.
  const float o = fmaf(0.5f, f, 1.0f), o_low = fmaf(0.5f, f, 1.0f - o);
  const float i = 1.0f + f, i_low = (1.0f - i) + f;
  const float d = fmaf(f, o, 1.0f), d_low = fmaf(f_low, i, fmaf(f, o_low, fmaf(f, o, 1.0f - d)));
  const float w0 = rough_reciprocal(d), error = fmaf(-d_low, w0, fmaf(-d, w0, 1.0f));
  const float w = fmaf(error, w0, w0), w_low = fmaf(error, w0, w0 - w);

  // g - t j w, then times F w.
  const float g = negative ? o : 0.5f * f, g_low = negative ? o_low : 0.0f;
  const float j = negative ? i : f * o, j_low = negative ? i_low : 0.0f;
  const float jw = j * w, jw_low = fmaf(j_low, w, fmaf(j, w_low, fmaf(j, w, -jw)));
  const float b = t * jw, b_low = fmaf(t, jw_low, fmaf(t, jw, -b));
  const float k = g - b, k_low = (g - (k + b)) + (g_low - b_low);
  const float a = fs * w, a_low = fmaf(fs_low, w, fmaf(fs, w_low, fmaf(fs, w, -a)));
  const float far = fmaf(a, k, fmaf(a, k_low, a_low * k));

  const float y = x + 0x1.31432cp+0f;
  const float near = near_zero(y, 0x1.beb774p+33f, 0x1.115accp+62f, -0x1.5014a2p+37f,
                               0x1.a34a28p+61f, 0x1.574fp+59f, -0x1.4c66e8p+58f, -0x1.030232p+58f);
  return gate_derivative_result(x, fabsf(y) < 0.0625f ? near : far);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
