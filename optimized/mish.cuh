// Mish: x tanh(ln(1 + e^x)). `fused` keeps its relative accuracy everywhere (optimized/math);
// `naive` is the definition, taken literally.
#pragma once

#include "optimized/math/exp.cuh"
#include "optimized/math/hyperbolic.cuh"
#include "optimized/math/log1p.cuh"
#include "optimized/math/mish.cuh"
#include "optimized/math/mish_16.cuh"
#include "optimized/routine.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

SIMT_DEVICE float mish_naive(float x) { return x * math::tanh(math::log1p(math::exp(x))); }

// t + x (1 - t^2) sigmoid(x), t = tanh(ln(1 + e^x))
SIMT_DEVICE float mish_slope_naive(float x) {
  const float t = math::tanh(math::log1p(math::exp(x)));
  const float s = 1.0f / (1.0f + math::exp(-x));
  return t + x * (1.0f - t * t) * s;
}

template <class T>
using mish_fused = function_of<T, math::mish, math::mish_bf16, math::mish_fp16>;
template <class T>
using mish_fused_gradient =
    gradient_of<T, math::mish_derivative, math::mish_derivative_bf16, math::mish_derivative_fp16>;
template <class T>
using mish_naive_of = function_of<T, mish_naive>;
template <class T>
using mish_naive_gradient = gradient_of<T, mish_slope_naive>;

}  // namespace assay::optimized::inline ASSAY_BUILD
