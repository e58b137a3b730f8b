// SiLU: x sigmoid(x). `fused` keeps its relative accuracy everywhere (optimized/math); `naive` is
// the textbook formula, whose e^-x overflows below x = -88.7 although x sigmoid(x) has not vanished
// there.
#pragma once

#include "optimized/math/exp.cuh"
#include "optimized/math/silu.cuh"
#include "optimized/math/silu_16.cuh"
#include "optimized/routine.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

SIMT_DEVICE float silu_naive(float x) { return x / (1.0f + math::exp(-x)); }

// s (1 + x (1 - s)), s = 1 / (1 + e^-x)
SIMT_DEVICE float silu_slope_naive(float x) {
  const float s = 1.0f / (1.0f + math::exp(-x));
  return s * (1.0f + x * (1.0f - s));
}

template <class T>
using silu_fused = function_of<T, math::silu, math::silu_bf16, math::silu_fp16>;
template <class T>
using silu_fused_gradient =
    gradient_of<T, math::silu_derivative, math::silu_derivative_bf16, math::silu_derivative_fp16>;
template <class T>
using silu_naive_of = function_of<T, silu_naive>;
template <class T>
using silu_naive_gradient = gradient_of<T, silu_slope_naive>;

}  // namespace assay::optimized::inline ASSAY_BUILD
