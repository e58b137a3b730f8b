// SiLU (swish), x sigmoid(x), and its derivative sigmoid(x) (1 + x (1 - sigmoid(x))): gate.cuh with
// u(x) = x.
#pragma once

#include "optimized/math/gate.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// Beyond t = 110, t e^-t underflows to 0.
constexpr float k_silu_last = 110.0f;

// All x: -0 below -110, x from 110 on; silu(-0) = -0, silu(-infinity) = -0, NaN to NaN.
SIMT_DEVICE float silu(float x) {
  const float t = simt::min_nan(fabsf(x), k_silu_last);
  return gate(x, t, exp_of_minus(t));
}

// All x: -0 below -110, 1 from 110 on and at infinity, 1/2 at the zeros, NaN to NaN; a polynomial
// near its zero.
SIMT_DEVICE float silu_derivative(float x) {
  const float t = simt::min_nan(fabsf(x), k_silu_last);
  const float far = gate_derivative(t, 0.0f, exp_of_minus(t));
  const float h = t - 0x1.474974p+0f;
  const float near =
      near_zero(h, -0x1.848b9ep+35f, -0x1.be141p+61f, 0x1.bc5676p+34f, 0x1.2c5632p+61f,
                -0x1.353e1ep+58f, -0x1.f2bc02p+57f, 0x1.af9b66p+56f);
  return gate_derivative_result(x, fabsf(h) < 0.125f ? near : far);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
