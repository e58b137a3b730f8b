// What the routines for 16-bit types share. They take a bf16 or an fp16 as a float and return a
// float that the kernel rounds once more, to the 16-bit type; 2^-18 (bf16) or 2^-23 (fp16) of
// relative accuracy is all they need, and no division. Their coefficients are found by linear
// programming: a result is as good as any other while it lies between the two ties around the
// correct one (derive/intervals.py; the idea is RLibm's, Lim and Nagarakatte, PLDI 2021).
//
// gelu and silu are x/2 plus a little for tiny x, and where x/2 is subnormal, a tie, that little
// decides how it is rounded, although fp32 cannot see it. In bf16 gelu's gate at 0 is therefore not
// 1/2 but 2^-18 below (the first coefficient of `power`, which derive/tune.cpp does not move): what
// is left of x/2 stands a little above the tie, on both sides of 0. silu_16.cuh has a way of its
// own; fp16 needs none, its few such ties come out right as the tables stand.
#pragma once

#include "optimized/math/gate.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// A polynomial from a table of coefficients, the constant first (N - 1 operations).
template <int N>
SIMT_DEVICE float polynomial_of(float x, const float (&c)[N]) {
  float sum = c[N - 1];
  SIMT_UNROLL
  for (int i = N - 2; i >= 0; --i) sum = fmaf(sum, x, c[i]);
  return sum;
}

// -t z = k + fraction with an integer k, |fraction| <= 1/2 (3 operations): the product is not
// rounded, and k is `rounded` as in arithmetic.cuh.
struct binary_parts {
  float rounded, fraction;
};

SIMT_DEVICE binary_parts split_exponent(float t, float z) {
  const float rounded = fmaf(-t, z, k_to_integer), k = rounded - k_to_integer;
  return {rounded, fmaf(-t, z, -k)};
}

// n/d for 1 <= d <= 2 (7 operations): a cubic for 1/d, within 2^-9.1, and one step of the iteration
// of third order, which leaves 2^-27.
SIMT_DEVICE float short_quotient(float n, float d) {
  const float w = polynomial(d, 0x1.6a09c2p+1f, -0x1.783c56p+1f, 0x1.54bdep+0f, -0x1.c65286p-3f);
  const float error = fmaf(-d, w, 1.0f), q = n * w;
  return fmaf(q, fmaf(error, error, error), q);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
