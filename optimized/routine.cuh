// Functors for the element-wise kernel, made of scalar routines: one for fp32, and for the 16-bit
// types shorter ones where there are any.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/simt/half.cuh"

#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {

using routine = float (*)(float);

template <class T, routine Fp32, routine Bf16, routine Fp16>
SIMT_DEVICE float routine_for(float x) {
  if constexpr (std::is_same_v<T, float>)
    return Fp32(x);
  else if constexpr (std::is_same_v<T, simt::bf16>)
    return Bf16(x);
  else
    return Fp16(x);
}

// y = f(x)
template <class T, routine Fp32, routine Bf16 = Fp32, routine Fp16 = Fp32>
struct function_of {
  static constexpr int k_inputs = 1;
  explicit function_of(const call&) {}
  SIMT_DEVICE float operator()(float x) const { return routine_for<T, Fp32, Bf16, Fp16>(x); }
};

// dx = dy f'(x), from a routine for f'
template <class T, routine Fp32, routine Bf16 = Fp32, routine Fp16 = Fp32>
struct gradient_of {
  static constexpr int k_inputs = 2;
  explicit gradient_of(const call&) {}
  SIMT_DEVICE float operator()(float x, float dy) const {
    return dy * routine_for<T, Fp32, Bf16, Fp16>(x);
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
