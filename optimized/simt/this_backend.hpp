// The backend of this build.
#pragma once

#include "optimized/simt/backend.hpp"
#include "optimized/simt/build.cuh"

namespace assay::simt::inline ASSAY_BUILD {

#if defined(__CUDACC__)
inline constexpr build k_this_build = build::gpu;
inline backend& this_backend() { return cuda_device(); }
#elif defined(ASSAY_SANITIZED)
inline constexpr build k_this_build = build::sanitized;
inline backend& this_backend() { return sanitized_emulator(); }
#else
inline constexpr build k_this_build = build::plain;
inline backend& this_backend() { return plain_emulator(); }
#endif

}  // namespace assay::simt::inline ASSAY_BUILD
