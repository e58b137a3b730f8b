// CUDA's keywords, built-in types and built-in variables.
#pragma once

#include "optimized/simt/build.cuh"

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#else

#include "optimized/simt/emulator/coordinates.hpp"
#include "optimized/simt/vector_types.cuh"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

// Shared memory is simt::array (shared.cuh), whose objects are handles that never change. A plain
// `__shared__ float red[8]` would give every thread an array of its own; as a constant it does not
// compile.
#define __shared__ const

#define threadIdx (::assay::simt::here.thread->index)
#define blockIdx (::assay::simt::here.block->index)
#define blockDim (::assay::simt::here.block->size)
#define gridDim (::assay::simt::here.block->grid)

inline constexpr int warpSize = 32;

#endif
