// GELU's erf form and its derivative for bf16 and fp16, each by one power of two with a polynomial
// as its exponent. With t = |x| and, for each of the two, a z and a constant of its own,
//   gelu(-t) = -t c 2^-t z(t)            gelu(t) = t + gelu(-t)
//   gelu'(-t) = (t0 - t) c 2^-t z(t)     gelu'(t) = 1 - gelu'(-t),     t0 its one zero.
#pragma once

#include "optimized/math/half_16.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

template <int Z, int P>
struct gelu_erf_table {
  float z[Z], power[P];  // power: c 2^f for |f| <= 1/2; times 2^64 but for fp16's gelu
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
  const float t = simt::min_nan(fabsf(x), 14.75f);
  const auto [rounded, fraction] = split_exponent(t, polynomial_of(t, table.z));
  const float power = times_power(polynomial_of(fraction, table.power), rounded);
  return gate_derivative_result(x, (k_gelu_erf_root - t) * power);
}

// z is good up to 8 and fair up to 12. From 14.541 on the derivative is zero in fp32 (an infinite
// gradient then gives no number), and underflows here, in the last operation, which keeps its sign.
template <int Z, int P>
SIMT_DEVICE float gelu_erf_derivative_fp16_by(const gelu_erf_table<Z, P>& table, float x) {
  const float t = simt::min_nan(fabsf(x), 12.0f);
  const auto [rounded, fraction] = split_exponent(t, polynomial_of(t, table.z));
  const float power = times_power(polynomial_of(fraction, table.power), rounded);
  const float rest = fabsf(x) > 14.5413f ? -0x1p-60f : k_gelu_erf_root - t;
  return gate_derivative_result(x, rest * power);
}

// --- tables, by derive/intervals.py and derive/tune.cpp

// 0.5000 ULP at 0x1p-133, none misrounded; before rounding 13014 ULP of fp32 at -0x1.9p+3.
SIMT_DEVICE float gelu_erf_bf16(float x) {
  constexpr gelu_erf_table<8, 5> table{
      {0x1.264df4p+0f, 0x1.d8cc14p-2f, 0x1.a68918p-5f, -0x1.f841b6p-8f, 0x1.a15108p-11f,
       -0x1.bc17ap-15f, 0x1.0e7accp-19f, -0x1.1ce0f8p-25f},
      {0x1.fffdfep+62f, 0x1.62ee2ep+62f, 0x1.e6f914p+60f, 0x1.bd646ep+58f, 0x1.15dafep+57f}};
  return gelu_erf_bf16_by(table, x);
}

// 0.5002 ULP at -0x1.eb4p-3, 2 misrounded; before rounding 150 ULP of fp32 at -0x1.b98p+1.
SIMT_DEVICE float gelu_erf_fp16(float x) {
  constexpr gelu_erf_table<9, 6> table{
      {0x1.26ab54p+0f, 0x1.d67238p-2f, 0x1.abd732p-5f, -0x1.c89f78p-8f, 0x1.74d4ap-13f,
       0x1.3a0a1ep-13f, -0x1.0b5ddcp-15f, 0x1.78ba8cp-19f, -0x1.90544ap-24f},
      {0x1p-1f, 0x1.62e70cp-2f, 0x1.ebf9e2p-4f, 0x1.c4970ep-6f, 0x1.398daap-8f, 0x1.fb66e4p-11f}};
  return gelu_erf_fp16_by(table, x);
}

// 0.5013 ULP at -0x1.4p-10, 1 misrounded; before rounding 4932 ULP of fp32 at -0x1.5cp+3.
SIMT_DEVICE float gelu_erf_derivative_bf16(float x) {
  constexpr gelu_erf_table<10, 5> table{
      {0x1.87b94cp-2f, 0x1.20991cp-1f, 0x1.9ff5bap-5f, -0x1.921daap-7f, 0x1.18cfdep-9f,
       -0x1.12664cp-12f, 0x1.6a3e52p-16f, -0x1.31e7c8p-20f, 0x1.29243p-25f, -0x1.f79bf2p-32f},
      {0x1.548442p+63f, 0x1.d81dbp+62f, 0x1.48b7eep+61f, 0x1.2f4ab4p+59f, 0x1.d80afep+55f}};
  return gelu_erf_derivative_bf16_by(table, x);
}

// 0.5029 ULP at -0x1.408p+2, 2 misrounded; before rounding 1497 ULP of fp32 at -0x1.82p+2.
SIMT_DEVICE float gelu_erf_derivative_fp16(float x) {
  constexpr gelu_erf_table<10, 6> table{
      {0x1.8862d8p-2f, 0x1.1f024cp-1f, 0x1.c4976p-5f, -0x1.f89ad6p-7f, 0x1.bcb648p-9f,
       -0x1.2a3712p-11f, 0x1.211be2p-14f, -0x1.7877fcp-18f, 0x1.22b302p-22f, -0x1.8daf14p-28f},
      {0x1.54851ap+63f, 0x1.d812b6p+62f, 0x1.472b84p+61f, 0x1.2cb32ap+59f, 0x1.aa9af4p+56f,
       0x1.a477b4p+54f}};
  return gelu_erf_derivative_fp16_by(table, x);
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
