#include "optimized/attention.cuh"
#include "optimized/attention_launch.cuh"
#include "optimized/attention_mma.cuh"
#include "optimized/attention_naive.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

template <attention_kind Kind, class T>
void launch_naive_of(const call& what, simt::queue& stream) {
  const auto p = attention_call<Kind>::template problem<T>(what);
  const auto scores = simt::bind<float>(what.workspace, what.workspace_bytes);
  const std::int64_t rows = p.size.rows();
  if (rows == 0) return;
  if (p.size.keys > 0)
    launch_blocks(attention_scores<T>, blocks_for(rows * p.size.keys, k_naive_threads),
                  k_naive_threads, 0, what, stream, p, scores);
  launch_blocks(attention_weights<T>, blocks_for(rows, k_naive_threads / 32), k_naive_threads, 0,
                what, stream, p, scores);
  const simt::global<const float> weights = scores;
  if (p.size.width > 0)
    launch_blocks(attention_products<T>, blocks_for(rows * p.size.width, k_naive_threads),
                  k_naive_threads, 0, what, stream, p, weights);
}

template <attention_kind Kind>
std::size_t naive_workspace(const call& what) {
  const attention_size size = attention_call<Kind>::size(what);
  return std::size_t(size.rows()) * std::size_t(size.keys) * sizeof(float);
}

template <attention_kind Kind>
void launch_naive(const call& what, simt::queue& stream) {
  attention_call<Kind>::check(what);
  check_workspace(k_attention, what, naive_workspace<Kind>(what));
  in_dtype_of(what, [&]<class T>(T) { launch_naive_of<Kind, T>(what, stream); });
}

template <attention_kind Kind>
void launch_flash_simple(const call& what, simt::queue& stream) {
  attention_call<Kind>::check(what);
  if (what.tensors[0].type != dtype::fp32)
    detail::refuse(0, "is " + std::string(name_of(what.tensors[0].type)), "fp32");
  const auto p = attention_call<Kind>::template problem<float>(what);
  if (p.size.width > k_simple_width)
    detail::refuse(0, "has heads of " + std::to_string(p.size.width), "at most 128");
  if (p.size.rows() == 0) return;
  const auto run = [&](auto kernel) {
    launch_blocks(kernel, blocks_of_tiles(p.size, k_simple_tile), k_simple_threads,
                  simple_shared_bytes(p.size.width), what, stream, p);
  };
  if (p.size.width <= 32) return run(attention_flash_simple<8>);
  if (p.size.width <= 64) return run(attention_flash_simple<16>);
  run(attention_flash_simple<32>);
}

template <attention_kind Kind, class T>
void launch_flash_mma_of(const call& what, simt::queue& stream) {
  auto p = attention_call<Kind>::template problem<T>(what);
  for (std::size_t i :
       {std::size_t(0), std::size_t(1), std::size_t(2), attention_call<Kind>::k_inputs})
    check_words(what, i);
  p.scale = float(attention_call<Kind>::scale(what) * k_log2_e);
  const auto run = [&]<int Width>() {
    if (p.size.rows() > 0)
      launch_blocks(attention_flash_mma<Width, T>, blocks_of_tiles(p.size, k_mma_tile),
                    k_mma_threads, k_mma_shared_bytes<Width>, what, stream, p);
  };
  by_width(p.size.width, run);
}

template <attention_kind Kind>
void launch_flash_mma(const call& what, simt::queue& stream) {
  attention_call<Kind>::check(what);
  const dtype type = what.tensors[0].type;
  if (type == dtype::bf16) return launch_flash_mma_of<Kind, simt::bf16>(what, stream);
  if (type == dtype::fp16) return launch_flash_mma_of<Kind, simt::fp16>(what, stream);
  detail::refuse(0, "is fp32", "bf16 or fp16");
}

template <attention_kind Kind>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  all.push_back({function, "naive", launch_naive<Kind>, naive_workspace<Kind>});
  all.push_back({function, "flash_simple", launch_flash_simple<Kind>});
  all.push_back({function, "flash_mma", launch_flash_mma<Kind>});
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<attention_kind::dense>(all, "attention.dense.fwd");
  add_launchers<attention_kind::causal>(all, "attention.causal.fwd");
  add_launchers<attention_kind::window>(all, "attention.window.fwd");
  add_launchers<attention_kind::padding>(all, "attention.padding.fwd");
  add_launchers<attention_kind::alibi>(all, "attention.alibi.fwd");
  add_launchers<attention_kind::bias>(all, "attention.bias.fwd");
  add_launchers<attention_kind::blocks>(all, "attention.blocks.fwd");
  return all;
}

}  // namespace

std::span<const launcher> attention_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
