#include "optimized/attention_launch.cuh"
#include "optimized/linear_launch.cuh"
#include "optimized/multi_head.cuh"
#include "optimized/multi_head_call.cuh"

#include <string>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {

std::span<const launcher> attention_launchers();

namespace {

const launcher& attention_by(std::string_view function, std::string_view implementation) {
  for (const launcher& each : attention_launchers())
    if (each.function == function && each.implementation == implementation) return each;
  throw simt::error(k_multi_head.name, "no " + std::string(function), std::string(implementation));
}

// What attention wants for itself, and a linear layer before or after it, in the same place.
std::size_t workspace_within(const call& what, const launcher& attention, product_method by) {
  const multi_head_size size = multi_head_call::size(what);
  const std::int64_t c = size.channels;
  const call within =
      attention_within(size, what.tensors[0].type, nullptr, {size, what.tensors[0].type, 0});
  const std::size_t more = attention.workspace ? attention.workspace(within) : 0;
  return std::max(
      {more, product_scratch(by, size.rows(), 3 * c, c), product_scratch(by, size.rows(), c, c)});
}
std::size_t workspace_for(const call& what, const launcher& attention, product_method by) {
  return multi_head_scratch(multi_head_call::size(what), what.tensors[0].type,
                            workspace_within(what, attention, by))
      .bytes;
}

// Linear, attention, linear.
template <class T>
void launch_all(const call& what, simt::queue& stream, const launcher& attention,
                product_method by) {
  const multi_head_size size = multi_head_call::size(what);
  if (size.rows() * size.channels == 0) return;
  const dtype type = what.tensors[0].type;
  const multi_head_scratch at(size, type, workspace_within(what, attention, by));
  std::byte* const scratch = static_cast<std::byte*>(what.workspace);
  const product_launch in{k_multi_head, what, stream, by, scratch + at.attention};
  launch_product<operands::plain>(linear_of_qkv<T>(what, scratch + at.qkv), in);
  attention.launch(attention_within(size, type, scratch, at), stream);
  launch_product<operands::plain>(linear_of_output<T>(what, scratch + at.joined), in);
}

constexpr std::string_view attention_of(attention_kind kind) {
  return kind == attention_kind::causal ? "attention.causal.fwd" : "attention.dense.fwd";
}

// What tensor cores are given: heads of widths that there are kernels for, rows at multiples of 16
// bytes.
void check_for_tensor_cores(const call& what) {
  const std::int64_t width = multi_head_call::size(what).width();
  if (width != 32 && width != 64 && width != 96 && width != 128)
    detail::refuse(0, "has heads of " + std::to_string(width), "32, 64, 96 or 128",
                   k_multi_head.name);
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    const tensor& t = what.tensors[i];
    const bool begins = reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0;
    const std::int64_t row = t.shape.size() > 1 ? multi_head_call::row_of(what, i) : 0;
    if (!begins || row % 8 != 0)
      detail::refuse(i, "has rows at other places", "rows at multiples of 16 bytes",
                     k_multi_head.name);
  }
}

// The kernels, each by the name that its attention has too.
struct naive {
  static constexpr const char* k_name = "naive";
  static constexpr product_method k_projects = product_method::naive;
  static void launch(const call& what, simt::queue& stream, const launcher& attention) {
    in_dtype_of(what, [&]<class T>(T) { launch_all<T>(what, stream, attention, k_projects); });
  }
};

struct flash_simple {
  static constexpr const char* k_name = "flash_simple";
  static constexpr product_method k_projects = product_method::naive;
  static void launch(const call& what, simt::queue& stream, const launcher& attention) {
    if (what.tensors[0].type != dtype::fp32)
      detail::refuse(0, "is " + std::string(name_of(what.tensors[0].type)), "fp32",
                     k_multi_head.name);
    const std::int64_t width = multi_head_call::size(what).width();
    if (width > 128)
      detail::refuse(0, "has heads of " + std::to_string(width), "at most 128", k_multi_head.name);
    launch_all<float>(what, stream, attention, k_projects);
  }
};

struct flash_mma {
  static constexpr const char* k_name = "flash_mma";
  static constexpr product_method k_projects = product_method::mma;
  static void launch(const call& what, simt::queue& stream, const launcher& attention) {
    const dtype type = what.tensors[0].type;
    if (type == dtype::fp32) detail::refuse(0, "is fp32", "bf16 or fp16", k_multi_head.name);
    check_for_tensor_cores(what);
    if (type == dtype::bf16) return launch_all<simt::bf16>(what, stream, attention, k_projects);
    launch_all<simt::fp16>(what, stream, attention, k_projects);
  }
};

template <attention_kind Kind, class Kernel>
std::size_t workspace(const call& what) {
  return workspace_for(what, attention_by(attention_of(Kind), Kernel::k_name),
                       Kernel::k_projects);
}

template <attention_kind Kind, class Kernel>
void launch(const call& what, simt::queue& stream) {
  multi_head_call::check(what);
  check_workspace(k_multi_head, what, workspace<Kind, Kernel>(what));
  Kernel::launch(what, stream, attention_by(attention_of(Kind), Kernel::k_name));
}

template <attention_kind Kind, class... Kernels>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  (all.push_back({function, Kernels::k_name, launch<Kind, Kernels>, workspace<Kind, Kernels>}),
   ...);
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<attention_kind::dense, naive, flash_simple, flash_mma>(all, "multi_head.dense.fwd");
  add_launchers<attention_kind::causal, naive, flash_simple, flash_mma>(all,
                                                                        "multi_head.causal.fwd");
  return all;
}

}  // namespace

std::span<const launcher> multi_head_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
