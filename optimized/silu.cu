#include "optimized/map_launcher.cuh"
#include "optimized/silu.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

std::span<const launcher> silu_launchers() {
  static constexpr launcher k_all[] = {
      {"silu.plain.fwd", "fused", launch_map<silu_fused>},
      {"silu.plain.fwd", "naive", launch_map<silu_naive_of>},
      {"silu.plain.bwd", "fused", launch_map<silu_fused_gradient>},
      {"silu.plain.bwd", "naive", launch_map<silu_naive_gradient>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
