// GELU's tanh form, x sigmoid(u) with u = 2 sqrt(2/pi) x (1 + 0.044715 x^2), and its derivative,
// for bf16 and fp16.
#pragma once

#include "optimized/math/gate_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// log2(e) u(t) = t (A + B t^2) and t u'(t) = t (A' + B' t^2).
constexpr float k_gelu_tanh_a = 0x1.26aec2p+1f, k_gelu_tanh_b = 0x1.a5a7dp-4f;
constexpr float k_gelu_tanh_slope_a = 0x1.988454p+0f, k_gelu_tanh_slope_b = 0x1.b6676cp-3f;

template <int P, int R>
SIMT_DEVICE float gelu_tanh_bf16_by(const gate_short_table<P, R>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 11.0f);
  return gate_bf16(table, x, t, fmaf(t * t, k_gelu_tanh_b, k_gelu_tanh_a));
}

template <int P>
SIMT_DEVICE float gelu_tanh_derivative_bf16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 11.0f), s = t * t;
  const float h = t * fmaf(s, k_gelu_tanh_slope_b, k_gelu_tanh_slope_a);
  const float z = fmaf(s, k_gelu_tanh_b, k_gelu_tanh_a);
  return gate_derivative_16(table, x, h, split_exponent(t, z));
}

// -log2(e) u(t) (7 operations). t^2 of an fp16 is exact, and A is what its high part leaves.
SIMT_DEVICE binary_parts gelu_tanh_exponent(float t, float s) {
  const float z = fmaf(s, k_gelu_tanh_b, k_gelu_tanh_a);
  const float z_low = fmaf(s, k_gelu_tanh_b, k_gelu_tanh_a - z);
  const auto [rounded, fraction] = split_exponent(t, z);
  return {rounded, fmaf(-t, z_low, fraction)};
}

template <int P>
SIMT_DEVICE float gelu_tanh_fp16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 6.0f);
  return gate_fp16(table, x, t, gelu_tanh_exponent(t, t * t));
}

template <int P>
SIMT_DEVICE float gelu_tanh_derivative_fp16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 11.0f), s = t * t;
  const float h = t * fmaf(s, k_gelu_tanh_slope_b, k_gelu_tanh_slope_a);
  return gate_derivative_16(table, x, h, gelu_tanh_exponent(t, s));
}

// --- tables, by derive/intervals.py and derive/tune.cpp

// 0.5000 ULP at 0x1p-133, none misrounded; before rounding 2278 ULP of fp32 at -0x1.5ep+0.
SIMT_DEVICE float gelu_tanh_bf16(float x) {
  constexpr gate_short_table<5, 7> table{
      {0x1.fffdfep+63f, 0x1.62c44cp+63f, 0x1.e7c39p+61f, 0x1.d5a38ep+59f, 0x1.239346p+58f},
      {0x1.0006e8p+0f, -0x1.0049aep+0f, 0x1.ffa642p-1f, -0x1.e0f406p-1f, 0x1.6b0384p-1f,
       -0x1.5e3fcp-2f, 0x1.2f7932p-4f}};
  return gelu_tanh_bf16_by(table, x);
}

// 0.5001 ULP at 0x1.d3cp-3, 3 misrounded; before rounding 36 ULP of fp32 at -0x1.60cp+1.
SIMT_DEVICE float gelu_tanh_fp16(float x) {
  constexpr gate_table<6> table{{0x1.fffffcp-1f, 0x1.62e32cp-1f, 0x1.ebf136p-3f, 0x1.c78e4ep-5f,
                                 0x1.3fb6b8p-7f, 0x1.0b796cp-10f}};
  return gelu_tanh_fp16_by(table, x);
}

// 0.4999 ULP at -0x1.fap+1, none misrounded; before rounding 392 ULP of fp32 at -0x1.82p-1.
SIMT_DEVICE float gelu_tanh_derivative_bf16(float x) {
  constexpr gate_table<6> table{{0x1p+64f, 0x1.62e428p+63f, 0x1.ebf8f4p+61f, 0x1.c6a448p+59f,
                                 0x1.3df1b2p+57f, 0x1.73c9b4p+54f}};
  return gelu_tanh_derivative_bf16_by(table, x);
}

// 0.5352 ULP at -0x1.814p-1, 2 misrounded; before rounding 9308 ULP of fp32 at -0x1.814p-1.
SIMT_DEVICE float gelu_tanh_derivative_fp16(float x) {
  constexpr gate_table<6> table{{0x1p+64f, 0x1.62e428p+63f, 0x1.ebf8f4p+61f, 0x1.c6a448p+59f,
                                 0x1.3df1b2p+57f, 0x1.73c9b4p+54f}};
  return gelu_tanh_derivative_fp16_by(table, x);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
