// e^x.
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
