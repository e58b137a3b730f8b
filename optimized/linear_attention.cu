#include "optimized/attention_launch.cuh"
#include "optimized/linear_attention.cuh"
#include "optimized/linear_attention_call.cuh"
#include "optimized/linear_attention_quadratic.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

// A weight for every pair.
template <attention_kind Kind>
std::size_t quadratic_workspace(const call& what) {
  const attention_size size = linear_attention_call<Kind>::size(what);
  return std::size_t(size.rows()) * std::size_t(size.keys) * sizeof(float);
}

template <attention_kind Kind>
void launch_quadratic(const call& what, simt::queue& stream) {
  linear_attention_call<Kind>::check(what);
  check_workspace(k_linear_attention, what, quadratic_workspace<Kind>(what));
  in_dtype_of(what, [&]<class T>(T) {
    const auto p = linear_attention_call<Kind>::template problem<T>(what);
    const auto weights = simt::bind<float>(what.workspace, what.workspace_bytes);
    const std::int64_t pairs = p.size.rows() * p.size.keys, outputs = p.size.rows() * p.size.width;
    if (outputs == 0) return;
    if (pairs > 0)
      launch_blocks_of(k_linear_attention, linear_attention_weights<T>,
                       blocks_for(pairs, k_naive_threads), k_naive_threads, 0, what, stream, p,
                       weights);
    const simt::global<const float> held = weights;
    launch_blocks_of(k_linear_attention, linear_attention_products<T>,
                     blocks_for(outputs, k_naive_threads), k_naive_threads, 0, what, stream, p,
                     held);
  });
}

template <attention_kind Kind>
void launch_chunked(const call& what, simt::queue& stream) {
  linear_attention_call<Kind>::check(what);
  const attention_size size = linear_attention_call<Kind>::size(what);
  if (size.width > k_linear_width)
    detail::refuse(0, "has heads of " + std::to_string(size.width), "at most 128",
                   k_linear_attention.name);
  if (size.rows() == 0 || size.width == 0) return;
  constexpr bool k_causal = Kind == attention_kind::causal;
  in_dtype_of(what, [&]<class T>(T) {
    const auto p = linear_attention_call<Kind>::template problem<T>(what);
    const auto run = [&](auto kernel) {
      launch_blocks_of(k_linear_attention, kernel, std::int64_t(size.batch) * size.heads,
                       k_linear_threads, linear_shared_bytes(size.width), what, stream, p);
    };
    if (size.width <= 32) return run(linear_attention_chunked<1, k_causal, T>);
    if (size.width <= 64) return run(linear_attention_chunked<2, k_causal, T>);
    run(linear_attention_chunked<4, k_causal, T>);
  });
}

template <attention_kind Kind>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  all.push_back({function, "quadratic", launch_quadratic<Kind>, quadratic_workspace<Kind>});
  all.push_back({function, "chunked", launch_chunked<Kind>});
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<attention_kind::dense>(all, "linear_attention.dense.fwd");
  add_launchers<attention_kind::causal>(all, "linear_attention.causal.fwd");
  return all;
}

}  // namespace

std::span<const launcher> linear_attention_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
