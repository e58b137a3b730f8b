// GELU's tanh form, x sigmoid(u) with u = 2 sqrt(2/pi) x (1 + 0.044715 x^2), and its derivative, for
// bf16 and fp16.
#pragma once

#include "optimized/math/gate_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// log2(e) u(t) = t (A + B t^2) and t u'(t) = t (A' + B' t^2).
constexpr float k_gelu_tanh_a = 0x1.26aecp+1f, k_gelu_tanh_b = 0x1.a5a7dp-4f;
constexpr float k_gelu_tanh_slope_a = 0x1.988454p+0f, k_gelu_tanh_slope_b = 0x1.b6676cp-3f;

template <int P, int R>
SIMT_DEVICE float gelu_tanh_bf16_by(const gate_bf16_table<P, R>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 11.0f);
  return gate_bf16(table, x, t, fmaf(t * t, k_gelu_tanh_b, k_gelu_tanh_a));
}

template <int P, int R>
SIMT_DEVICE float gelu_tanh_derivative_bf16_by(const gate_bf16_table<P, R>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 11.0f), s = t * t;
  const float h = t * fmaf(s, k_gelu_tanh_slope_b, k_gelu_tanh_slope_a);
  return gate_derivative_bf16(table, x, t, fmaf(s, k_gelu_tanh_b, k_gelu_tanh_a), h);
}

// -log2(e) u(t) (7 operations). t^2 of an fp16 is exact, and A is what its high part leaves.
SIMT_DEVICE binary_parts gelu_tanh_exponent(float t, float s) {
  const float z = fmaf(s, k_gelu_tanh_b, k_gelu_tanh_a);
  const float z_low = fmaf(s, k_gelu_tanh_b, k_gelu_tanh_a - z);
  const auto [rounded, fraction] = split_exponent(t, z);
  return {rounded, fmaf(-t, z_low, fraction)};
}

template <int P>
SIMT_DEVICE float gelu_tanh_fp16_by(const gate_fp16_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 6.0f);
  return gate_fp16(table, x, t, gelu_tanh_exponent(t, t * t));
}

template <int P>
SIMT_DEVICE float gelu_tanh_derivative_fp16_by(const gate_fp16_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 6.0f), s = t * t;
  const float h = t * fmaf(s, k_gelu_tanh_slope_b, k_gelu_tanh_slope_a);
  return gate_derivative_fp16(table, x, h, gelu_tanh_exponent(t, s));
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
