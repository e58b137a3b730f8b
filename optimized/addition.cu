#include "optimized/addition.cuh"
#include "optimized/map_launcher.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

std::span<const launcher> addition_launchers() {
  static constexpr launcher k_all[] = {
      {"addition.pair.fwd", "vector", launch_map<addition_of_pairs>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
