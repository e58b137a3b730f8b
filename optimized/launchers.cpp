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

namespace {

std::vector<launcher>& list_of(simt::build which) {
  static std::vector<launcher> plain_list = plain::all_launchers();
  static std::vector<launcher> sanitized_list = sanitized::all_launchers();
#if defined(ASSAY_WITH_CUDA)
  static std::vector<launcher> gpu_list = gpu::all_launchers();
#else
  static std::vector<launcher> gpu_list;
#endif
  if (which == simt::build::gpu) return gpu_list;
  return which == simt::build::plain ? plain_list : sanitized_list;
}

}  // namespace

void add_launcher(simt::build which, const launcher& added) { list_of(which).push_back(added); }

std::span<const launcher> launchers(simt::build which) { return list_of(which); }

const launcher* find_launcher(simt::build which, std::string_view function,
                              std::string_view implementation) {
  for (const launcher& each : launchers(which))
    if (each.function == function && each.implementation == implementation) return &each;
  return nullptr;
}

}  // namespace assay::optimized
