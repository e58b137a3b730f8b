// Everything that kernels are written in.
#pragma once

#include "optimized/simt/async_copy.cuh"
#include "optimized/simt/atomic.cuh"
#include "optimized/simt/barrier.cuh"
#include "optimized/simt/build.cuh"
#include "optimized/simt/cache.cuh"
#include "optimized/simt/half.cuh"
#include "optimized/simt/launch.cuh"
#include "optimized/simt/pointer.cuh"
#include "optimized/simt/scalar.cuh"
#include "optimized/simt/shared.cuh"
#include "optimized/simt/special_function.cuh"
#include "optimized/simt/tensor_core.cuh"
#include "optimized/simt/trap.cuh"
#include "optimized/simt/vocabulary.cuh"
#include "optimized/simt/warp.cuh"
