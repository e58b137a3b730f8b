// SiLU (swish), x sigmoid(x), and its derivative, for bf16 and fp16.
#pragma once

#include "optimized/math/gate_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

constexpr float k_log2_e = 0x1.715476p+0f, k_log2_e_low = 0x1.4ae0cp-26f;

// A gate a little below 1/2 at 0, as gelu has it, does not serve here: silu(-2^-8) is so close to a
// tie, 2^-20 ULP, that the gate must be right near 0. So t is taken less the two smallest
// subnormals: no change but where t is subnormal itself.
template <int P>
SIMT_DEVICE float silu_bf16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  const auto [rounded, fraction] = split_exponent(t, k_log2_e);
  const float e = times_power(polynomial_of(fraction, table.power), rounded);
  const float n = simt::max_nan(t - 0x1p-148f, 0.0f) * e;
  return gate_result(x, short_quotient(n, fmaf(e, k_tail_unscale, 1.0f)));
}

// -t log2 e (4 operations).
SIMT_DEVICE binary_parts silu_exponent(float t) {
  const auto [rounded, fraction] = split_exponent(t, k_log2_e);
  return {rounded, fmaf(-t, k_log2_e_low, fraction)};
}

template <int P>
SIMT_DEVICE float silu_fp16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 22.0f);
  return gate_fp16(table, x, t, silu_exponent(t));
}

template <int P>
SIMT_DEVICE float silu_derivative_bf16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  return gate_derivative_16(table, x, t, split_exponent(t, k_log2_e));
}

template <int P>
SIMT_DEVICE float silu_derivative_fp16_by(const gate_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  return gate_derivative_16(table, x, t, silu_exponent(t));
}

// --- tables, by derive/intervals.py and derive/tune.cpp

// 0.5000 ULP at 0x1p-133, none misrounded; before rounding 770 ULP of fp32 at -0x1.58p+3.
SIMT_DEVICE float silu_bf16(float x) {
  constexpr gate_table<6> table{{0x1.fffffep+63f, 0x1.62dceap+63f, 0x1.eb3adep+61f, 0x1.c5be9ep+59f,
                                 0x1.83f91cp+57f, 0x1.f4507ep+55f}};
  return silu_bf16_by(table, x);
}

// 0.5034 ULP at -0x1.4cp+2, 2 misrounded; before rounding 68 ULP of fp32 at -0x1.4c8p+2.
SIMT_DEVICE float silu_fp16(float x) {
  constexpr gate_table<6> table{{0x1.fffffep-1f, 0x1.62e308p-1f, 0x1.ebf39ep-3f, 0x1.c78a5p-5f,
                                 0x1.4009d6p-7f, 0x1.12f828p-10f}};
  return silu_fp16_by(table, x);
}

// 0.5000 ULP at -0x1p-9, none misrounded; before rounding 65 ULP of fp32 at -0x1.48p+0.
SIMT_DEVICE float silu_derivative_bf16(float x) {
  constexpr gate_table<6> table{{0x1.000006p+64f, 0x1.62e434p+63f, 0x1.ebf3eep+61f, 0x1.c6ac1cp+59f,
                                 0x1.3e98a2p+57f, 0x1.63e21p+54f}};
  return silu_derivative_bf16_by(table, x);
}

// 0.5002 ULP at -0x1.57p+0, 2 misrounded; before rounding 966 ULP of fp32 at -0x1.474p+0.
SIMT_DEVICE float silu_derivative_fp16(float x) {
  constexpr gate_table<6> table{{0x1.000006p+64f, 0x1.62e434p+63f, 0x1.ebf3eep+61f, 0x1.c6ac1cp+59f,
                                 0x1.3e98a2p+57f, 0x1.63e21p+54f}};
  return silu_derivative_fp16_by(table, x);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
