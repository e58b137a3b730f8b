// tanh x and cosh x.
#pragma once

#include "optimized/math/arithmetic.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// tanh x = sign(x) n / d, n = 1 - e^-2|x| and d = 2 - n, each a sum of two floats.
// All x: 1 or -1 from |x| = 10 on; zeros keep their sign, NaN to NaN. At most 0.9037 ULP, at
// 0x1.a5068ap-4, over all 2^31 inputs without a sign.
SIMT_DEVICE float tanh(float x) {
  const float t = simt::min_nan(fabsf(x), 10.0f);
  const auto [rounded, r] = split_by_ln2(-2.0f * t);
  const float q0 = r * r * exponential_curve(r), fraction = r + q0,
              fraction_low = (r - fraction) + q0;
  const float scale = times_power(1.0f, rounded), rest = 1.0f - scale,
              rest_low = (1.0f - rest) - scale;
  const float n = fmaf(-scale, fraction, rest);
  const float n_low = fmaf(-scale, fraction, rest - n) + fmaf(-scale, fraction_low, rest_low);
  const float d = 2.0f - n, d_low = (2.0f - d) - n;
  const float w = rough_reciprocal_1_to_2(d), q = n * w;
  const float residual = fmaf(n_low, 1.0f + q, fmaf(-d_low, q, fmaf(-d, q, n)));
  return with_sign_of(fmaf(residual, w, q), x);
}

// cosh x = (p + 1/p) / 2, p = e^|x| scaled by 2^-9.
// All x: infinity above |x| = 89.42 and at the infinities, 1 at the zeros, NaN to NaN.
SIMT_DEVICE float cosh(float x) {
  const float t = simt::min_nan(fabsf(x), 91.0f);
  const auto [rounded, r] = split_by_ln2(t);
  const float fraction = exponential_fraction(r), scale = times_power(0x1p-9f, rounded);
  const float p = fmaf(scale, fraction, scale), p_low = fmaf(scale, fraction, scale - p);
  float w = rough_reciprocal(p);
  w = fmaf(w, fmaf(-p, w, 1.0f), w);
  return (p + fmaf(w, 0x1p-18f, p_low)) * 0x1p+8f;
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
