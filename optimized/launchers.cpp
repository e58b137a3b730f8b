#include "optimized/launcher.hpp"

#include <vector>

namespace assay::optimized {

// One list a build; generated from the list of components (tools/cmake/component.cmake).
namespace plain {
std::vector<launcher> all_launchers();
}
namespace sanitized {
std::vector<launcher> all_launchers();
}
namespace gpu {
std::vector<launcher> all_launchers();
}

simt::backend* backend_of(simt::build which) {
  if (which == simt::build::plain) return &simt::plain_emulator();
  if (which == simt::build::sanitized) return &simt::sanitized_emulator();
#if defined(ASSAY_WITH_CUDA)
  if (simt::cuda_device_count() > 0) return &simt::cuda_device();
#endif
  return nullptr;
}

std::span<const launcher> launchers(simt::build which) {
  static const std::vector<launcher> k_plain = plain::all_launchers();
  static const std::vector<launcher> k_sanitized = sanitized::all_launchers();
#if defined(ASSAY_WITH_CUDA)
  static const std::vector<launcher> k_gpu = gpu::all_launchers();
#else
  static const std::vector<launcher> k_gpu;
#endif
  return which == simt::build::gpu ? k_gpu : which == simt::build::plain ? k_plain : k_sanitized;
}

const launcher* find_launcher(simt::build which, std::string_view function,
                              std::string_view implementation) {
  for (const launcher& each : launchers(which))
    if (each.function == function && each.implementation == implementation) return &each;
  return nullptr;
}

}  // namespace assay::optimized
