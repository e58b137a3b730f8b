// erf x = x + x p(x^2) for |x| < 1, else sign(x) (1 - erfc |x|) with -log2 erfc(t) = 2^-11 + t
// z(t).
//
// All x: 1 or -1 from |x| = 4 on; zeros keep their sign, NaN to NaN.
#pragma once

#include "optimized/math/arithmetic.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

SIMT_DEVICE float erf(float x) {
  const float t = simt::min_nan(fabsf(x), 4.0f), s = t * t;
  const float center =
      fmaf(x,
           polynomial(s, 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ce6p-4f, -0x1.b7f71ap-6f,
                      0x1.53f224p-8f, -0x1.a3515ep-11f, 0x1.4771fcp-14f),
           x);
  const float z = polynomial(t, 0x1.a0458ep+0f, 0x1.d75c6ep-1f, 0x1.30aca6p-3f, -0x1.02246p-5f,
                             0x1.16c53ap-8f, -0x1.1a0a16p-12f);
  const float rounded = fmaf(-t, z, k_to_integer), k = rounded - k_to_integer;
  const float f = fmaf(-t, z, -0x1p-11f - k);
  const float tail = times_power(1.0f + power_of_two_fraction(f), rounded);
  return t >= 1.0f ? with_sign_of(1.0f - tail, x) : center;
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
