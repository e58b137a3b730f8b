// The 16-bit types, and their conversions as PTX's cvt defines them: to nearest even, subnormals
// kept, overflow to infinity, every NaN to the canonical one.
#pragma once

#include "optimized/simt/scalar.cuh"
#include "optimized/simt/vector_types.cuh"

#include <cstdint>
#include <type_traits>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#else
#include <bit>
#endif

namespace assay::simt::inline ASSAY_BUILD {

#if defined(__CUDACC__)
using bf16 = __nv_bfloat16;
using fp16 = __half;
#else
struct bf16 {  // 1 + 8 + 7 bits: the upper half of a float
  std::uint16_t bits;
};
struct fp16 {  // 1 + 5 + 10 bits
  std::uint16_t bits;
};
#endif

// A type's value from its 16 bits, and back.
template <class Half>
SIMT_HOST_DEVICE Half half_of(std::uint16_t bits) {
#if defined(__CUDACC__)
  Half value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#else
  return Half{bits};
#endif
}

template <class Half>
SIMT_HOST_DEVICE std::uint16_t bits_of_half(Half value) {
#if defined(__CUDACC__)
  std::uint16_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#else
  return value.bits;
#endif
}

// Every bf16 and fp16 is a float.
SIMT_HOST_DEVICE float to_float(float value) { return value; }

SIMT_HOST_DEVICE float to_float(bf16 value) {
  return float_of(std::uint32_t{bits_of_half(value)} << 16);
}

SIMT_HOST_DEVICE float to_float(fp16 value) {
#if defined(__CUDACC__)
  return __half2float(value);
#else
  return static_cast<float>(std::bit_cast<_Float16>(value.bits));
#endif
}

// cvt.rn.bf16.f32
SIMT_HOST_DEVICE bf16 to_bf16(float value) {
#if defined(__CUDACC__)
  return __float2bfloat16_rn(value);
#else
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bf16{0x7fff};
  // Half of the discarded part's range, less one when the kept part is even: ties go to even, and a
  // carry out of the largest finite number makes infinity.
  return bf16{static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
#endif
}

// cvt.rn.f16.f32
SIMT_HOST_DEVICE fp16 to_fp16(float value) {
#if defined(__CUDACC__)
  return __float2half_rn(value);
#else
  if (value != value) return fp16{0x7fff};
  return fp16{std::bit_cast<std::uint16_t>(static_cast<_Float16>(value))};
#endif
}

// A float rounded to the type a kernel is templated on.
template <class T>
SIMT_HOST_DEVICE T from_float(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else if constexpr (std::is_same_v<T, bf16>) {
    return to_bf16(value);
  } else {
    static_assert(std::is_same_v<T, fp16>, "float, bf16 or fp16");
    return to_fp16(value);
  }
}

// Two 16-bit values in one register, LOW in the lower half: cvt.rn.bf16x2.f32 and cvt.rn.f16x2.f32.
template <class Half>
SIMT_HOST_DEVICE std::uint32_t pack(float low, float high) {
#if defined(__CUDA_ARCH__)
  std::uint32_t packed;
  if constexpr (std::is_same_v<Half, bf16>) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  }
  return packed;
#else
  return std::uint32_t{bits_of_half(from_float<Half>(low))} |
         std::uint32_t{bits_of_half(from_float<Half>(high))} << 16;
#endif
}

template <class Half>
SIMT_HOST_DEVICE float2 unpack(std::uint32_t packed) {
  return float2{to_float(half_of<Half>(static_cast<std::uint16_t>(packed))),
                to_float(half_of<Half>(static_cast<std::uint16_t>(packed >> 16)))};
}

}  // namespace assay::simt::inline ASSAY_BUILD
