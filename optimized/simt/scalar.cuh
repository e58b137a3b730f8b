// Scalar operations whose meaning must not depend on the compiler: bit casts, and minimum and
// maximum as PTX defines them. Addition, multiplication, division and square root are the operators
// (every build rounds each operation once); a fused multiply-add is written fmaf.
#pragma once

#include "optimized/simt/build.cuh"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace assay::simt::inline ASSAY_BUILD {

// The 32 bits of a float, and the float of 32 bits.
SIMT_HOST_DEVICE std::uint32_t bits_of(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(value);
#else
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

SIMT_HOST_DEVICE float float_of(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

// How many bits are 1.
SIMT_HOST_DEVICE int popcount(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __popc(bits);
#else
  return __builtin_popcount(bits);
#endif
}

// PTX min.f32: a NaN loses against a number, and -0 is less than +0.
SIMT_HOST_DEVICE float min(float a, float b) {
#if defined(__CUDA_ARCH__)
  return fminf(a, b);
#else
  if (a != a) return b;
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
#endif
}

// PTX max.f32: a NaN loses against a number, and -0 is less than +0.
SIMT_HOST_DEVICE float max(float a, float b) {
#if defined(__CUDA_ARCH__)
  return fmaxf(a, b);
#else
  if (a != a) return b;
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? b : a;
  return a < b ? b : a;
#endif
}

// PTX min.NaN.f32 and max.NaN.f32: as min and max, but a NaN wins against a number.
SIMT_HOST_DEVICE float min_nan(float a, float b) {
#if defined(__CUDA_ARCH__)
  float least;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(least) : "f"(a), "f"(b));
  return least;
#else
  if (a != a) return a;
  return b != b ? b : min(a, b);
#endif
}

SIMT_HOST_DEVICE float max_nan(float a, float b) {
#if defined(__CUDA_ARCH__)
  float greatest;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(greatest) : "f"(a), "f"(b));
  return greatest;
#else
  if (a != a) return a;
  return b != b ? b : max(a, b);
#endif
}

}  // namespace assay::simt::inline ASSAY_BUILD
