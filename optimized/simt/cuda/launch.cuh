// simt::launch under nvcc.
#pragma once

#include "optimized/simt/build.cuh"
#include "optimized/simt/cuda/runtime.hpp"

#include <cstddef>
#include <utility>

namespace assay::simt::inline ASSAY_BUILD {

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t dynamic_shared_bytes,
            queue& stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many as the kernel takes");
  const std::string what = "launch of " + cuda::kernel_name(reinterpret_cast<const void*>(kernel));
  const cudaStream_t on = cuda::stream_of(stream, what);
  const cuda::current_device current(cuda::ordinal_of(stream));
  // More than 48 KiB, the kernel's __shared__ variables included, need permission.
  if (dynamic_shared_bytes > 0)
    cuda::allow_shared_memory(reinterpret_cast<const void*>(kernel), dynamic_shared_bytes,
                              cuda::ordinal_of(stream), what);
  kernel<<<grid, block, dynamic_shared_bytes, on>>>(
      static_cast<Parameters>(std::forward<Arguments>(arguments))...);
  cuda::check(cudaGetLastError(), what);
}

}  // namespace assay::simt::inline ASSAY_BUILD
