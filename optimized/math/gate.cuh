// x sigmoid(u(x)) for an odd u, and its derivative: what silu (u = x) and gelu_tanh share.
//
// With t = |x|, E = e^-u(t) <= 1 and w = 1 / (1 + E), so that sigmoid(-u(t)) = E w,
//   gate(-t) = -t E w                     gate(t) = t - t E w
//   gate'(-t) = E w (1 - t u'(t) w)       gate'(t) = 1 - gate'(-t).
// The negative tail keeps its relative accuracy, and one routine serves both signs.
//
// Names in _low hold what rounding took from the number they are named after, as far as it matters
// (a sum's by Dekker's fast two-sum, a product's and a fused multiply-add's by a second one).
#pragma once

#include "optimized/math/arithmetic.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// x - v for x >= 0 and -v for x < 0, v = magnitude 2^-64 (2 operations): one rounding, right for
// subnormal results too, and -0 where -v underflows. x = -0 gives -0. A NaN must come in magnitude.
SIMT_DEVICE float gate_result(float x, float magnitude) {
  return fmaf(-magnitude, k_tail_unscale, simt::max(x, -0.0f));
}

// 1 - v for x >= +0 and v for x <= -0, v = value 2^-64 (3 operations).
SIMT_DEVICE float gate_derivative_result(float x, float value) {
  const float sign = with_sign_of(k_tail_unscale, x);
  return fmaf(-value, sign, fmaf(sign, 0x1p+63f, 0.5f));
}

// The forward function from t and E (19 operations). What rounding took from the numerator
// n = t E and from the denominator d = 1 + E enters the residual of the one division, so that the
// quotient's only full rounding is its last.
SIMT_DEVICE float gate(float x, float t, tail_exponential tail) {
  const auto [fraction, scale] = tail;
  const float ts = t * scale;
  const float n = fmaf(ts, fraction, ts), n_low = fmaf(ts, fraction, ts - n);
  const float e = fmaf(scale, fraction, scale);
  const float d = fmaf(e, k_tail_unscale, 1.0f), d_low = fmaf(e, k_tail_unscale, 1.0f - d);
  const float w = rough_reciprocal_1_to_2(d), q = n * w;
  const float residual = fmaf(-d_low, q, fmaf(-d, q, n) + n_low);
  return gate_result(x, fmaf(residual, w, q));
}

// gate'(-t) 2^64 from E and h + h_low = t u'(t) (28 operations): E w (1 - h w), each of the four a
// sum of two floats.
SIMT_DEVICE float gate_derivative(float h, float h_low, tail_exponential tail) {
  const auto [fraction, scale] = tail;
  const float e = fmaf(scale, fraction, scale), e_low = fmaf(scale, fraction, scale - e);
  const float d = fmaf(e, k_tail_unscale, 1.0f);
  const float d_low = fmaf(e_low, k_tail_unscale, fmaf(e, k_tail_unscale, 1.0f - d));
  const float w0 = rough_reciprocal_1_to_2(d);
  const float error = fmaf(-d_low, w0, fmaf(-d, w0, 1.0f));
  const float w = fmaf(error, w0, w0), w_low = fmaf(error, w0, w0 - w);
  const float hw = h * w, hw_low = fmaf(h_low, w, fmaf(h, w_low, fmaf(h, w, -hw)));
  const float a = e * w, a_low = fmaf(e_low, w, fmaf(e, w_low, fmaf(e, w, -a)));
  const float k = 1.0f - hw;  // exact for hw >= 1/2
  return fmaf(a, k, fmaf(a, -hw_low, a_low * k));
}

// A derivative near its zero at some x0, from h = x - float(x0): a1 h + (a0 + a1_low h + a2 h^2
// ...). The two sums vanish together at x0 itself, so the result keeps its relative accuracy there.
template <class... Floats>
SIMT_DEVICE float near_zero(float h, float a0, float a1, float a1_low, Floats... higher) {
  return fmaf(h, a1, polynomial(h, a0, a1_low, higher...));
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
