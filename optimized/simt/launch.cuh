// simt::launch(kernel, grid, block, dynamic_shared_bytes, stream, arguments...): puts a kernel into
// a stream. A configuration that CUDA would refuse throws simt::error here; what goes wrong in the
// kernel is thrown by whoever waits for the stream.
#pragma once

#include "optimized/simt/backend.hpp"
#include "optimized/simt/vocabulary.cuh"

#include <cstddef>
#include <utility>

#if defined(__CUDACC__)
#include "optimized/simt/cuda/launch.cuh"
#else
#include "optimized/simt/emulator/launch.hpp"

#include <memory>
#include <tuple>

namespace assay::simt::inline ASSAY_BUILD {

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t dynamic_shared_bytes,
            queue& stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many as the kernel takes");
  struct call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> arguments;
  };
  launch_description description;
  description.invoke = [](const void* erased) {
    const call& c = *static_cast<const call*>(erased);
    std::apply(c.kernel, c.arguments);
  };
  description.arguments = std::make_shared<const call>(
      call{kernel, std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)});
  description.kernel = reinterpret_cast<const void*>(kernel);
  description.grid = grid;
  description.block = block;
  description.dynamic_shared_bytes = dynamic_shared_bytes;
  enqueue(stream, std::move(description));
}

}  // namespace assay::simt::inline ASSAY_BUILD

#endif
