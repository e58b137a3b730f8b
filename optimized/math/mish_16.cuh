// Mish, x tanh(ln(1 + e^x)), and its derivative, for bf16 and fp16. With t = |x| and E = e^-t,
//   mish(-t) = -t E (1 + E/2) / (1 + E + E^2/2)     mish(t) = t - t 2E^2 / (1 + 2E + 2E^2)
//   mish'(-t), 1 - mish'(t) = F (g D - t j) / D^2, D = 1 + F + F^2/2 with F = E, or 2E on the
//   right.
#pragma once

#include "optimized/math/mish.cuh"
#include "optimized/math/silu_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

template <int P>
struct mish_table {
  float power[P];  // 2^f for |f| <= 1/2, times 2^64
};

// From t = |x| and E 2^64.
SIMT_DEVICE float mish_from(float x, float t, float e) {
  const bool negative = is_negative(x);
  const float h = e * (negative ? 0x1p-65f : k_tail_unscale);
  const float g = negative ? h + 1.0f : h + h;
  const float d = fmaf(h, fmaf(2.0f, h, 2.0f), 1.0f), n = t * e * g;
  const float w = rough_reciprocal(d), q = n * w;
  return gate_result(x, fmaf(fmaf(-d, q, n), w, q));
}

SIMT_DEVICE float mish_derivative_from(float x, float t, float e) {
  const bool negative = is_negative(x);
  const float scaled = negative ? e : e + e, f = scaled * k_tail_unscale;
  const float o = fmaf(0.5f, f, 1.0f), fo = f * o, d = fo + 1.0f;
  const float g = negative ? o : 0.5f * f, j = negative ? 1.0f + f : fo;
  const float w0 = rough_reciprocal(d), w = fmaf(fmaf(-d, w0, 1.0f), w0, w0);
  return gate_derivative_result(x, scaled * fmaf(g, d, -(t * j)) * (w * w));
}

template <int P>
SIMT_DEVICE float mish_bf16_by(const mish_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  const auto [rounded, fraction] = split_exponent(t, k_log2_e);
  return mish_from(x, t, times_power(polynomial_of(fraction, table.power), rounded));
}

template <int P>
SIMT_DEVICE float mish_derivative_bf16_by(const mish_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  const auto [rounded, fraction] = split_exponent(t, k_log2_e);
  return mish_derivative_from(x, t, times_power(polynomial_of(fraction, table.power), rounded));
}

template <int P>
SIMT_DEVICE float mish_fp16_by(const mish_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 22.0f);
  const auto [rounded, fraction] = silu_exponent(t);
  return mish_from(x, t, times_power(polynomial_of(fraction, table.power), rounded));
}

template <int P>
SIMT_DEVICE float mish_derivative_fp16_by(const mish_table<P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 110.0f);
  const auto [rounded, fraction] = silu_exponent(t);
  return mish_derivative_from(x, t, times_power(polynomial_of(fraction, table.power), rounded));
}

// --- tables, by derive/intervals.py and derive/tune.cpp

// 0.4999 ULP at -0x1.4p-8, none misrounded; before rounding 726 ULP of fp32 at -0x1.3cp+4.
SIMT_DEVICE float mish_bf16(float x) {
  constexpr mish_table<5> table{
      {0x1.fffffap+63f, 0x1.62e0d4p+63f, 0x1.ec5522p+61f, 0x1.ca6f2ap+59f, 0x1.13cf48p+57f}};
  return mish_bf16_by(table, x);
}

// 0.5031 ULP at -0x1.0a8p+0, 4 misrounded; before rounding 73 ULP of fp32 at -0x1.4ccp+2.
SIMT_DEVICE float mish_fp16(float x) {
  constexpr mish_table<6> table{{0x1.fffffep+63f, 0x1.62e49ep+63f, 0x1.ebf8cap+61f, 0x1.c62a9cp+59f,
                                 0x1.3eb8ecp+57f, 0x1.b61b88p+54f}};
  return mish_fp16_by(table, x);
}

// 0.5000 ULP at -0x1.4p-11, none misrounded; before rounding 2449 ULP of fp32 at -0x1.32p+0.
SIMT_DEVICE float mish_derivative_bf16(float x) {
  constexpr mish_table<5> table{
      {0x1.ffffe8p+63f, 0x1.62e2cp+63f, 0x1.ec06c2p+61f, 0x1.c98ef2p+59f, 0x1.399b2p+57f}};
  return mish_derivative_bf16_by(table, x);
}

// 0.5148 ULP at -0x1.318p+0, 2 misrounded; before rounding 19778 ULP of fp32 at -0x1.314p+0.
SIMT_DEVICE float mish_derivative_fp16(float x) {
  constexpr mish_table<6> table{{0x1.fffffcp+63f, 0x1.62e40ap+63f, 0x1.ebf76cp+61f, 0x1.c70fb2p+59f,
                                 0x1.3dcf7ap+57f, 0x1.2660fep+54f}};
  return mish_derivative_fp16_by(table, x);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
