#include "optimized/linear.cuh"
#include "optimized/linear_call.cuh"
#include "optimized/linear_launch.cuh"

#include <string>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

// launch(a value of the type that the first tensor's dtype stands for).
template <class Launch>
void for_dtype(const call& what, const Launch& launch) {
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32) return launch(float{});
  if (type == dtype::bf16) return launch(simt::bf16{});
  launch(simt::fp16{});
}

template <linear_kind Kind, product_method By>
std::size_t forward_workspace(const call& what) {
  const linear_size size = size_of_linear(Kind, what);
  return product_scratch(By, size.rows, size.out, size.in);
}

template <linear_kind Kind, product_method By>
void launch_forward(const call& what, simt::queue& stream) {
  using of = linear_forward_call<Kind>;
  of::check(what);
  check_method(of::k_signature, what, By);
  check_workspace(of::k_signature, what, forward_workspace<Kind, By>(what));
  const product_launch in{of::k_signature, what, stream, By,
                          static_cast<std::byte*>(what.workspace)};
  constexpr operands k_form = is_turned(Kind) ? operands::right_turned : operands::plain;
  for_dtype(what, [&](auto type) {
    launch_product<k_form>(of::template problem<decltype(type)>(what), in);
  });
}

// One after the other in the same memory.
template <linear_kind Kind, product_method By>
std::size_t backward_workspace(const call& what) {
  const linear_size size = size_of_linear(Kind, what);
  const std::size_t dx = product_scratch(By, size.rows, size.in, size.out),
                    dw = is_turned(Kind) ? product_scratch(By, size.out, size.in, size.rows)
                                         : product_scratch(By, size.in, size.out, size.rows),
                    db = has_bias(Kind) ? column_sums_scratch(By, size.rows, size.out) : 0;
  return std::max({dx, dw, db});
}

template <linear_kind Kind, product_method By>
void launch_backward(const call& what, simt::queue& stream) {
  using of = linear_backward_call<Kind>;
  of::check(what);
  check_method(of::k_signature, what, By);
  check_workspace(of::k_signature, what, backward_workspace<Kind, By>(what));
  const product_launch in{of::k_signature, what, stream, By,
                          static_cast<std::byte*>(what.workspace)};
  for_dtype(what, [&](auto type) {
    using T = decltype(type);
    launch_product<of::k_dx_form>(of::template dx<T>(what), in);
    launch_product<operands::left_turned>(of::template dw<T>(what), in);
    if constexpr (has_bias(Kind)) launch_column_sums(of::template db<T>(what), in);
  });
}

template <linear_kind Kind, product_method By>
void add_launcher(std::vector<launcher>& all, std::string_view name, std::string_view forward,
                  std::string_view backward) {
  const bool scratch = is_on_tensor_cores(By);
  all.push_back(
      {forward, name, launch_forward<Kind, By>, scratch ? forward_workspace<Kind, By> : nullptr});
  if constexpr (Kind == linear_kind::bias || is_turned(Kind))
    all.push_back({backward, name, launch_backward<Kind, By>,
                   By == product_method::naive ? nullptr : backward_workspace<Kind, By>});
}

template <linear_kind Kind>
void add_launchers(std::vector<launcher>& all, std::string_view forward,
                   std::string_view backward = "") {
  add_launcher<Kind, product_method::naive>(all, "naive", forward, backward);
  add_launcher<Kind, product_method::tiled>(all, "tiled", forward, backward);
  add_launcher<Kind, product_method::mma>(all, "mma", forward, backward);
  add_launcher<Kind, product_method::mma_128>(all, "mma_128", forward, backward);
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<linear_kind::bias>(all, "linear.bias.fwd", "linear.bias.bwd");
  add_launchers<linear_kind::out_in>(all, "linear.out_in.fwd", "linear.out_in.bwd");
  add_launchers<linear_kind::tied>(all, "linear.tied.fwd", "linear.tied.bwd");
  add_launchers<linear_kind::gelu_erf>(all, "linear.gelu_erf.fwd");
  add_launchers<linear_kind::gelu_tanh>(all, "linear.gelu_tanh.fwd");
  add_launchers<linear_kind::residual>(all, "linear.residual.fwd");
  return all;
}

}  // namespace

std::span<const launcher> linear_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
