// SiLU (swish), x sigmoid(x), and its derivative, for bf16 and fp16.
#pragma once

#include "optimized/math/gate_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

constexpr float k_log2_e = 0x1.715476p+0f, k_log2_e_low = 0x1.4ae0cp-26f;

template <int P, int R>
SIMT_DEVICE float silu_bf16_by(const gate_bf16_table<P, R>& table, float x) {
  return gate_bf16(table, x, simt::min_nan(fabsf(x), 110.0f), k_log2_e);
}

template <int P, int R>
SIMT_DEVICE float silu_derivative_bf16_by(const gate_bf16_table<P, R>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  return gate_derivative_bf16(table, x, t, k_log2_e, t);
}

// -t log2 e (4 operations), t <= 22.
SIMT_DEVICE binary_parts silu_exponent(float t) {
  const auto [rounded, fraction] = split_exponent(t, k_log2_e);
  return {rounded, fmaf(-t, k_log2_e_low, fraction)};
}

template <int P>
SIMT_DEVICE float silu_fp16_by(const gate_fp16_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 22.0f);
  return gate_fp16(table, x, t, silu_exponent(t));
}

template <int P>
SIMT_DEVICE float silu_derivative_fp16_by(const gate_fp16_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 22.0f);
  return gate_derivative_fp16(table, x, t, silu_exponent(t));
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
