// What a raw call means: gradients [n]; norm [], factor [], fp32; parameter limit.
#include "optimized/check_call.cuh"
#include "optimized/global_norm.cuh"
#include "optimized/launcher.hpp"

#include <string>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

constexpr call_signature k_global_norm{"global_norm", 1, 2, 1};

void check_norm(const call& what) {
  check_call(k_global_norm, what);
  if (!(what.parameters[0] >= 0))
    throw simt::error(k_global_norm.name, "limit " + std::to_string(what.parameters[0]),
                      "0 or more");
}

std::int64_t blocks_of(const tensor& gradients) {
  const std::int64_t own =
      k_norm_threads * k_norm_groups * (16 / std::int64_t(size_of(gradients.type)));
  return (gradients.elements() + own - 1) / own;
}

template <class Sum>
std::size_t workspace(const call& what) {
  return std::size_t(blocks_of(what.tensors[0])) * sizeof(Sum);
}

// Calls run(gradients, norm, factor) with arrays of their types.
template <class Run>
void with_arrays(const call& what, const Run& run) {
  check_norm(what);
  const tensor &gradients = what.tensors[0], &norm = what.tensors[1], &factor = what.tensors[2];
  const auto bound = [&]<class T>(T) {
    run(simt::bind<const T>(gradients.data, gradients.bytes()),
        simt::bind<float>(norm.data, norm.bytes()), simt::bind<float>(factor.data, factor.bytes()),
        T());
  };
  if (gradients.type == dtype::fp32) return bound(float());
  if (gradients.type == dtype::bf16) return bound(simt::bf16());
  bound(simt::fp16());
}

template <class Sum>
void launch_stages(const call& what, simt::queue& stream) {
  with_arrays(what, [&]<class T>(const auto& gradients, const auto& norm, const auto& factor, T) {
    check_workspace(k_global_norm, what, workspace<Sum>(what));
    const std::int64_t count = what.tensors[0].elements(), blocks = blocks_of(what.tensors[0]);
    const auto parts = simt::bind<Sum>(what.workspace, what.workspace_bytes);
    const simt::global<const Sum> written = parts;
    const auto launch = [&](auto kernel) {
      simt::launch(kernel, grid_of(k_global_norm, what, blocks), dim3(k_norm_threads), 0, stream,
                   gradients, count, parts);
    };
    const bool words = reinterpret_cast<std::uintptr_t>(what.tensors[0].data) % 16 == 0;
    if (blocks > 0 && words) launch(global_norm_parts<T, Sum, 16>);
    if (blocks > 0 && !words) launch(global_norm_parts<T, Sum, int(sizeof(T))>);
    simt::launch(global_norm_end<Sum>, dim3(1), dim3(k_norm_threads), 0, stream, written, blocks,
                 float(what.parameters[0]), norm, factor);
  });
}

void launch_naive(const call& what, simt::queue& stream) {
  with_arrays(what, [&]<class T>(const auto& gradients, const auto& norm, const auto& factor, T) {
    simt::launch(global_norm_naive<T>, dim3(1), dim3(k_norm_threads), 0, stream, gradients,
                 what.tensors[0].elements(), float(what.parameters[0]), norm, factor);
  });
}

}  // namespace

std::span<const launcher> global_norm_launchers() {
  static constexpr launcher k_all[] = {
      {"global_norm.norm.fwd", "double_sums", launch_stages<double>, workspace<double>},
      {"global_norm.norm.fwd", "two_stage", launch_stages<float>, workspace<float>},
      {"global_norm.norm.fwd", "naive", launch_naive},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
