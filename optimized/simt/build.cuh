// Which of the three builds of one kernel source this is.
//
//   gpu         nvcc
//   plain       g++ or clang++: the fast emulator, pointers are pointers
//   sanitized   g++ or clang++ with ASSAY_SANITIZED: accessors check every access and count it
//
// All three can be linked into one program, so everything under optimized/ that a kernel can see
// lives in an inline namespace named after its build:
//
//   namespace assay::optimized::inline ASSAY_BUILD { ... }
#pragma once

#if defined(__CUDACC__)
#define ASSAY_BUILD gpu
// Before a loop over registers: without it nvcc may keep the array in local memory.
#define SIMT_UNROLL _Pragma("unroll")
#define SIMT_DEVICE __device__ __forceinline__
#define SIMT_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define SIMT_UNROLL
#if defined(ASSAY_SANITIZED)
#define ASSAY_BUILD sanitized
#else
#define ASSAY_BUILD plain
#endif
#define SIMT_DEVICE [[gnu::always_inline]] inline
#define SIMT_HOST_DEVICE [[gnu::always_inline]] inline
#endif
