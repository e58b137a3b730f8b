// GELU's erf form and its derivative for bf16 and fp16, each by one power of two with a polynomial as
// its exponent. With t = |x| and, for each of the two, a z and a constant of its own,
//   gelu(-t) = -t c 2^-t z(t)            gelu(t) = t + gelu(-t)
//   gelu'(-t) = (t0 - t) c 2^-t z(t)     gelu'(t) = 1 - gelu'(-t),     t0 its one zero.
#pragma once

#include "optimized/math/half_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

template <int Z, int P>
struct gelu_erf_table {
  float z[Z], power[P];  // power: c 2^f for |f| <= 1/2; times 2^64 for bf16, which needs the range
};

template <int Z, int P>
SIMT_DEVICE float gelu_erf_bf16_by(const gelu_erf_table<Z, P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 14.0f);
  const auto [rounded, fraction] = split_exponent(t, polynomial_of(t, table.z));
  const float q = times_power(polynomial_of(fraction, table.power), rounded);
  return gate_result(x, t * q);
}

template <int Z, int P>
SIMT_DEVICE float gelu_erf_fp16_by(const gelu_erf_table<Z, P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 6.0f);
  const auto [rounded, fraction] = split_exponent(t, polynomial_of(t, table.z));
  const float q = times_power(polynomial_of(fraction, table.power), rounded);
  return fmaf(-t, q, simt::max(x, -0.0f));
}

constexpr float k_gelu_erf_root = 0x1.80ead2p-1f;  // t0, less 2^-26.3

template <int Z, int P>
SIMT_DEVICE float gelu_erf_derivative_bf16_by(const gelu_erf_table<Z, P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 14.0f);
  const auto [rounded, fraction] = split_exponent(t, polynomial_of(t, table.z));
  const float power = times_power(polynomial_of(fraction, table.power), rounded);
  return gate_derivative_result(x, (k_gelu_erf_root - t) * power);
}

template <int Z, int P>
SIMT_DEVICE float gelu_erf_derivative_fp16_by(const gelu_erf_table<Z, P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 6.5f);
  const auto [rounded, fraction] = split_exponent(t, polynomial_of(t, table.z));
  const float power = times_power(polynomial_of(fraction, table.power), rounded);
  return derivative_result(x, (k_gelu_erf_root - t) * power);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
