// e^x = 2^k (1 + fraction), x = k ln2 + r. A factor of 2^64 or 2^-64 keeps the power of two normal.
//
// All x: 0 below -104, infinity above 88.73; e^-infinity = +0, NaN to NaN. At most 1.0128 ULP, at
// 0x1.da72c4p+5, over all 2^32 inputs.
#pragma once

#include "optimized/math/arithmetic.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

SIMT_DEVICE float exp(float x) {
  const float z = simt::min_nan(simt::max_nan(x, -105.0f), 90.0f);
  const auto [rounded, r] = split_by_ln2(z);
  const bool small = z < 0.0f;
  const float scale = times_power(small ? 0x1p+64f : 0x1p-64f, rounded);
  return fmaf(scale, exponential_fraction(r), scale) * (small ? 0x1p-64f : 0x1p+64f);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
