// The special-function unit: fast approximations that differ between the emulator and a GPU. A
// kernel that uses one says so in its numerics.
#pragma once

#include "optimized/simt/build.cuh"

#include <cmath>

namespace assay::simt::inline ASSAY_BUILD {

// 2^x: ex2.approx.f32, subnormal results kept. Within 2^-22 of the result, relative (PTX ISA,
// "ex2"); 2^-infinity = 0. The emulator takes the C library's, which is nearer.
SIMT_DEVICE float exp2_approx(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return std::exp2(x);
#endif
}

}  // namespace assay::simt::inline ASSAY_BUILD
