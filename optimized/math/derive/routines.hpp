// The routines under test, by name.
#pragma once

#include "exact.hpp"
#include "optimized/math/erf.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/gelu_erf.cuh"
#include "optimized/math/gelu_erf_16.cuh"
#include "optimized/math/gelu_tanh.cuh"
#include "optimized/math/gelu_tanh_16.cuh"
#include "optimized/math/hyperbolic.cuh"
#include "optimized/math/log1p.cuh"
#include "optimized/math/mish.cuh"
#include "optimized/math/mish_16.cuh"
#include "optimized/math/silu.cuh"
#include "optimized/math/silu_16.cuh"
#include "optimized/math/turns.cuh"

#include <functional>

namespace derive {

struct routine {
  std::string name, truth;
  format from, to;
  double (*run)(double);
  double floor = 0;  // an absolute error up to this is none: beyond what the output's type can show
  double least = 0, most = INFINITY;  // sizes of its inputs; no NaN where the largest is finite
};

#define ASSAY_ROUTINE(name)                                                     \
  {                                                                             \
    #name, #name, k_fp32, k_fp32,                                               \
        [](double x) { return double(assay::optimized::math::name(float(x))); } \
  }

// For sizes of multiples of 2^-64, up to 1/8.
#define ASSAY_ROUTINE_OF_TURNS(name)                                                               \
  {                                                                                                \
    #name, #name, k_fp32, k_fp32,                                                                  \
        [](double x) { return double(assay::optimized::math::name(float(x))); }, 0, 0x1p-64, 0.125 \
  }

// A 16-bit routine's float, and what it is rounded to.
#define ASSAY_SHORT_ROUTINE(name, type, floor)                                       \
  {#name "_" #type "_in_fp32",                                                       \
   #name,                                                                            \
   k_##type,                                                                         \
   k_fp32,                                                                           \
   [](double x) { return double(assay::optimized::math::name##_##type(float(x))); }, \
   floor},                                                                           \
  {                                                                                  \
    #name "_" #type, #name, k_##type, k_##type, [](double x) {                       \
      return rounded(k_##type, assay::optimized::math::name##_##type(float(x)));     \
    }                                                                                \
  }

inline const std::vector<routine>& routines() {
  static const std::vector<routine> all = {
      ASSAY_ROUTINE(gelu_erf),
      ASSAY_ROUTINE(gelu_erf_derivative),
      ASSAY_ROUTINE(gelu_tanh),
      ASSAY_ROUTINE(gelu_tanh_derivative),
      ASSAY_ROUTINE(silu),
      ASSAY_ROUTINE(silu_derivative),
      ASSAY_ROUTINE(mish),
      ASSAY_ROUTINE(mish_derivative),
      ASSAY_ROUTINE(exp),
      ASSAY_ROUTINE(erf),
      ASSAY_ROUTINE(tanh),
      ASSAY_ROUTINE(cosh),
      ASSAY_ROUTINE(log1p),
      ASSAY_ROUTINE_OF_TURNS(sine_of_turns),
      ASSAY_ROUTINE_OF_TURNS(cosine_of_turns),
      ASSAY_SHORT_ROUTINE(gelu_erf, bf16, 0),
      ASSAY_SHORT_ROUTINE(gelu_erf, fp16, 0x1p-27),
      ASSAY_SHORT_ROUTINE(gelu_erf_derivative, bf16, 0),
      ASSAY_SHORT_ROUTINE(gelu_erf_derivative, fp16, 0x1p-40),
      ASSAY_SHORT_ROUTINE(gelu_tanh, bf16, 0),
      ASSAY_SHORT_ROUTINE(gelu_tanh, fp16, 0x1p-27),
      ASSAY_SHORT_ROUTINE(gelu_tanh_derivative, bf16, 0),
      ASSAY_SHORT_ROUTINE(gelu_tanh_derivative, fp16, 0x1p-44),
      ASSAY_SHORT_ROUTINE(silu, bf16, 0),
      ASSAY_SHORT_ROUTINE(silu, fp16, 0x1p-27),
      ASSAY_SHORT_ROUTINE(silu_derivative, bf16, 0),
      ASSAY_SHORT_ROUTINE(silu_derivative, fp16, 0x1p-40),
      ASSAY_SHORT_ROUTINE(mish, bf16, 0),
      ASSAY_SHORT_ROUTINE(mish, fp16, 0x1p-26),
      ASSAY_SHORT_ROUTINE(mish_derivative, bf16, 0),
      ASSAY_SHORT_ROUTINE(mish_derivative, fp16, 0x1p-40),
  };
  return all;
}

}  // namespace derive
