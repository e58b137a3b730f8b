#include "optimized/check_call.cuh"
#include "optimized/gelu.cuh"
#include "optimized/gelu_scaled.cuh"
#include "optimized/map_launcher.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

__global__ void __launch_bounds__(k_scaled_threads)
    gelu_scaled_sum(simt::global<const float> partial, std::int64_t blocks,
                    simt::global<float> dalpha) {
  float sum = 0.0f;
  for (std::int64_t i = threadIdx.x; i < blocks; i += k_scaled_threads) sum += partial[i];
  sum = block_sum<k_scaled_threads>(sum);
  if (threadIdx.x == 0) dalpha[0] = sum;
}

namespace {

template <class T>
std::int64_t scaled_blocks(std::int64_t count) {
  return (count + k_scaled_block<T> - 1) / k_scaled_block<T>;
}

std::size_t scaled_workspace(const call& what) {
  const std::int64_t count = what.tensors[0].elements();
  const std::int64_t blocks = what.tensors[0].type == dtype::fp32
                                  ? scaled_blocks<float>(count)
                                  : scaled_blocks<simt::bf16>(count);
  return std::size_t(blocks) * sizeof(float);
}

constexpr call_signature k_scaled_gradient{"gelu.scaled.bwd", 3, 1, 1};

template <class T>
void launch_scaled_of(const call& what, simt::queue& stream) {
  const tensor &x = what.tensors[0], &dy = what.tensors[1], &dx = what.tensors[2],
               &dalpha = what.tensors[3];
  const std::int64_t count = x.elements(), blocks = scaled_blocks<T>(count);
  const dim3 grid = grid_of(k_scaled_gradient, what, blocks);
  const auto partial = simt::bind<float>(what.workspace, what.workspace_bytes);
  const auto any = detail::address_of(x) | detail::address_of(dy) | detail::address_of(dx);
  const auto launch = [&](auto kernel) {
    simt::launch(kernel, grid, dim3(k_scaled_threads), 0, stream,
                 simt::bind<const T>(x.data, x.bytes()), simt::bind<const T>(dy.data, dy.bytes()),
                 simt::bind<T>(dx.data, dx.bytes()), partial, count, float(what.parameters[0]));
  };
  if (blocks > 0 && any % 16 == 0) launch(gelu_scaled_gradient<T, 16>);
  if (blocks > 0 && any % 16 != 0) launch(gelu_scaled_gradient<T, int(sizeof(T))>);
  simt::launch(gelu_scaled_sum, dim3(1), dim3(k_scaled_threads), 0, stream,
               simt::bind<const float>(what.workspace, what.workspace_bytes), blocks,
               simt::bind<float>(dalpha.data, dalpha.bytes()));
}

void launch_scaled(const call& what, simt::queue& stream) {
  check_call(k_scaled_gradient, what);
  check_workspace(k_scaled_gradient, what, scaled_workspace(what));
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32) return launch_scaled_of<float>(what, stream);
  if (type == dtype::bf16) return launch_scaled_of<simt::bf16>(what, stream);
  launch_scaled_of<simt::fp16>(what, stream);
}

}  // namespace

std::span<const launcher> gelu_launchers() {
  static constexpr launcher k_all[] = {
      {"gelu.erf.fwd", "fused", launch_map<gelu_erf_fused>},
      {"gelu.erf.fwd", "naive", launch_map<gelu_erf_naive_of>},
      {"gelu.erf.bwd", "fused", launch_map<gelu_erf_fused_gradient>},
      {"gelu.erf.bwd", "naive", launch_map<gelu_erf_naive_gradient>},
      {"gelu.tanh.fwd", "fused", launch_map<gelu_tanh_fused>},
      {"gelu.tanh.fwd", "naive", launch_map<gelu_tanh_naive_of>},
      {"gelu.tanh.bwd", "fused", launch_map<gelu_tanh_fused_gradient>},
      {"gelu.tanh.bwd", "naive_cosh", launch_map<gelu_tanh_cosh_gradient>},
      {"gelu.scaled.fwd", "fused", launch_map<gelu_scaled_fused>},
      {"gelu.scaled.bwd", "fused", launch_scaled, scaled_workspace},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
