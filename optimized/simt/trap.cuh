// __trap() stops the kernel with an error. So does a failed assert: under nvcc by CUDA's own means,
// in the emulator because emulator/trap.cpp takes the place of the C library's __assert_fail.
#pragma once

#include "optimized/simt/build.cuh"

#if !defined(__CUDACC__)

#include <source_location>

namespace assay::simt::inline ASSAY_BUILD {

[[noreturn]] void __trap(std::source_location where = std::source_location::current());

}  // namespace assay::simt::inline ASSAY_BUILD

using assay::simt::__trap;

#endif
