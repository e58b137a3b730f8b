#include "optimized/map_launcher.cuh"
#include "optimized/mish.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

std::span<const launcher> mish_launchers() {
  static constexpr launcher k_all[] = {
      {"mish.plain.fwd", "fused", launch_map<mish_fused>},
      {"mish.plain.fwd", "naive", launch_map<mish_naive_of>},
      {"mish.plain.bwd", "fused", launch_map<mish_fused_gradient>},
      {"mish.plain.bwd", "naive", launch_map<mish_naive_gradient>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
