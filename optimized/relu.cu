#include "optimized/map_launcher.cuh"
#include "optimized/relu.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

std::span<const launcher> relu_launchers() {
  static constexpr launcher k_all[] = {
      {"relu.plain.fwd", "select", launch_map<relu_forward>},
      {"relu.plain.bwd", "select", launch_map<relu_backward>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
