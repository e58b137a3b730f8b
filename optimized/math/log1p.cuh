// ln(1 + x) = k ln2 + f + f^2 q(f), 1 + x = 2^k (1 + f), |f| <= 1/3; beyond x = 2^64 ln x,
// likewise.
//
// At most 1.6298 ULP, at 0x1.5821e6p-2, over all x >= 0.
// x >= -1: zeros keep their sign, -infinity at -1, infinity at infinity; NaN below -1 and at NaN.
#pragma once

#include "optimized/math/arithmetic.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

SIMT_DEVICE float log1p(float x) {
  const bool large = x > 0x1p+64f;
  const float z = large ? x * 0x1p-64f : x, one = large ? 0.0f : 1.0f;
  const std::uint32_t exponent = (simt::bits_of(z + one) - 0x3f2aaaabu) & 0xff800000u;
  const float k =
      static_cast<float>(static_cast<std::int32_t>(exponent) >> 23) + (large ? 64.0f : 0.0f);
  const float power = simt::float_of(0x3f800000u - exponent);
  const float f = fmaf(z, power, fmaf(one, power, -1.0f));
  const float curve =
      f * f *
      polynomial(f, -0x1p-1f, 0x1.555556p-2f, -0x1.ffff18p-3f, 0x1.9997e6p-3f, -0x1.55977ap-3f,
                 0x1.24ec3ep-3f, -0x1.f3b34ep-4f, 0x1.b9124ap-4f, -0x1.06ba32p-3f, 0x1.e9ed8ap-4f);
  const float high = fmaf(k, 0x1.62e4p-1f, f), low = fmaf(k, 0x1.62e4p-1f, -high) + f;
  const float y = high + (low + fmaf(k, 0x1.7f7d1cp-20f, curve));
  if (x > -1.0f) return x < INFINITY && x != 0.0f ? y : x;
  return x == -1.0f ? -INFINITY : NAN;
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
