// GELU: what the element-wise kernel applies.
//
//   erf      x Phi(x)
//   tanh     x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
//   scaled   gelu.erf(alpha x), alpha a parameter
//
// `fused` routines keep their relative accuracy everywhere (optimized/math). The `naive` ones are
// the textbook formulas, here so that the difference can be seen: 1 + erf and 1 + tanh cancel on
// the left, and every digit is lost below x = -5.5.
#pragma once

#include "optimized/math/erf.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/gelu_erf.cuh"
#include "optimized/math/gelu_erf_16.cuh"
#include "optimized/math/gelu_tanh.cuh"
#include "optimized/math/gelu_tanh_16.cuh"
#include "optimized/math/hyperbolic.cuh"
#include "optimized/routine.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// x/2 (1 + erf(x / sqrt 2))
SIMT_DEVICE float gelu_erf_naive(float x) {
  return (0.5f * x) * (1.0f + math::erf(x * 0x1.6a09e6p-1f));
}

// (1 + erf(x / sqrt 2)) / 2 + x e^(-x^2/2) / sqrt(2 pi)
SIMT_DEVICE float gelu_erf_slope_naive(float x) {
  const float phi = 0.5f * (1.0f + math::erf(x * 0x1.6a09e6p-1f));
  return phi + x * (math::exp(-0.5f * x * x) * 0x1.988454p-2f);
}

// u = sqrt(2/pi) (x + 0.044715 x^3)
SIMT_DEVICE float gelu_tanh_argument(float x) {
  return 0x1.988454p-1f * (x + 0.044715f * x * x * x);
}

// x/2 (1 + tanh u)
SIMT_DEVICE float gelu_tanh_naive(float x) {
  return (0.5f * x) * (1.0f + math::tanh(gelu_tanh_argument(x)));
}

// (1 + tanh u) / 2 + x/2 u' / cosh^2 u: overflows in cosh^2 beyond |x| = 10, and from |x| = 2^64 on
// is infinity times zero.
SIMT_DEVICE float gelu_tanh_slope_cosh(float x) {
  const float u = gelu_tanh_argument(x), c = math::cosh(u);
  const float sech2 = 1.0f / (c * c);
  const float inner = 0x1.988454p-1f * (1.0f + 0.134145f * x * x);
  return 0.5f * (1.0f + math::tanh(u)) + (0.5f * x) * sech2 * inner;
}

template <class T>
using gelu_erf_fused = function_of<T, math::gelu_erf, math::gelu_erf_bf16, math::gelu_erf_fp16>;
template <class T>
using gelu_erf_fused_gradient =
    gradient_of<T, math::gelu_erf_derivative, math::gelu_erf_derivative_bf16,
                math::gelu_erf_derivative_fp16>;
template <class T>
using gelu_erf_naive_of = function_of<T, gelu_erf_naive>;
template <class T>
using gelu_erf_naive_gradient = gradient_of<T, gelu_erf_slope_naive>;
template <class T>
using gelu_tanh_fused = function_of<T, math::gelu_tanh, math::gelu_tanh_bf16, math::gelu_tanh_fp16>;
template <class T>
using gelu_tanh_fused_gradient =
    gradient_of<T, math::gelu_tanh_derivative, math::gelu_tanh_derivative_bf16,
                math::gelu_tanh_derivative_fp16>;
template <class T>
using gelu_tanh_naive_of = function_of<T, gelu_tanh_naive>;
template <class T>
using gelu_tanh_cosh_gradient = gradient_of<T, gelu_tanh_slope_cosh>;

// gelu.erf(alpha x): the product is rounded to fp32 before the routine sees it. For the 16-bit
// types too: alpha x is any fp32 number, and their own routines are good only for 16-bit arguments.
template <class T>
struct gelu_scaled_fused {
  static constexpr int k_inputs = 1;
  static constexpr int k_parameters = 1;
  float alpha;
  explicit gelu_scaled_fused(const call& what) : alpha(float(what.parameters[0])) {}
  SIMT_DEVICE float operator()(float x) const { return math::gelu_erf(alpha * x); }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
