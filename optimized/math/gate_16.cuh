// x sigmoid(u(x)) for bf16 and fp16, and its derivative: what silu and gelu_tanh share, as gate.cuh
// has it. From t = |x|, the exponent z with e^-u(t) = E = 2^-t z, and h = t u'(t).
#pragma once

#include "optimized/math/half_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

template <int P, int R>
struct gate_short_table {
  float power[P];       // 2^64 2^f for |f| <= 1/2
  float reciprocal[R];  // 1 / (1 + E) for 0 <= E <= 1
};

template <int P>
struct gate_table {
  float power[P];  // 2^f; times 2^64 for all but fp16's forward functions
};

template <int P, int R>
SIMT_DEVICE float gate_bf16(const gate_short_table<P, R>& table, float x, float t, float z) {
  const auto [rounded, fraction] = split_exponent(t, z);
  const float e = times_power(polynomial_of(fraction, table.power), rounded);
  return gate_result(x, t * e * polynomial_of(e * k_tail_unscale, table.reciprocal));
}

// The longer ones, with E given by its exponent's parts.
template <int P>
SIMT_DEVICE float gate_fp16(const gate_table<P>& table, float x, float t, binary_parts parts) {
  const float e = times_power(polynomial_of(parts.fraction, table.power), parts.rounded);
  return simt::max(x, -0.0f) - short_quotient(t * e, 1.0f + e);
}

// E w (1 - h w) = E (1 - h + E) / (1 + E)^2: near its zero the sum is all but exact.
template <int P>
SIMT_DEVICE float gate_derivative_16(const gate_table<P>& table, float x, float h,
                                     binary_parts parts) {
  const float scaled = times_power(polynomial_of(parts.fraction, table.power), parts.rounded);
  const float e = scaled * k_tail_unscale, d = 1.0f + e;
  return gate_derivative_result(x, short_quotient(short_quotient(scaled * ((1.0f - h) + e), d), d));
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
