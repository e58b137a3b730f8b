#include "optimized/attention_gradient.cuh"
#include "optimized/attention_gradient_atomic.cuh"
#include "optimized/attention_gradient_call.cuh"
#include "optimized/attention_gradient_mma.cuh"
#include "optimized/attention_gradient_queries.cuh"
#include "optimized/attention_launch.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

template <class T>
void launch_deltas(const attention_gradient_problem<T>& p, const call& what, simt::queue& stream) {
  launch_blocks(attention_deltas<T>, blocks_for(p.size.rows(), k_naive_threads / 32),
                k_naive_threads, 0, what, stream, p);
}

// So many numbers for every row, in fp32.
std::size_t bytes_of_rows(const attention_size& size, int each) {
  return std::size_t(size.rows()) * std::size_t(each) * sizeof(float);
}

// Behind the deltas, weights and gradients of scores.
template <attention_kind Kind>
std::size_t naive_workspace(const call& what) {
  const attention_size size = attention_call<Kind>::size(what);
  return bytes_of_rows(size, 1) + 2 * bytes_of_rows(size, size.keys);
}

template <attention_kind Kind, class T>
void launch_naive_of(const call& what, simt::queue& stream) {
  const auto p = attention_gradient_call<Kind>::template problem<T>(what);
  const std::size_t pairs = bytes_of_rows(p.size, p.size.keys);
  char* const behind = static_cast<char*>(what.workspace) + bytes_of_rows(p.size, 1);
  const auto weights = simt::bind<float>(behind, pairs),
             gradients = simt::bind<float>(behind + pairs, pairs);
  const simt::global<const float> all_weights = weights, all_gradients = gradients;
  const std::int64_t rows = p.size.rows(), width = p.size.width,
                     keys = std::int64_t(p.size.batch) * p.size.keys * p.size.heads;
  const auto launch = [&](auto kernel, std::int64_t work, const auto&... arguments) {
    if (work > 0)
      launch_blocks(kernel, blocks_for(work, k_naive_threads), k_naive_threads, 0, what, stream, p,
                    arguments...);
  };
  if (rows > 0) launch_deltas(p, what, stream);
  launch(attention_score_gradients<T>, rows * p.size.keys, weights, gradients);
  launch(attention_query_gradients<T>, rows * width, all_gradients);
  launch(attention_key_gradients<T>, keys * width, all_weights, all_gradients);
}

template <attention_kind Kind>
void launch_naive(const call& what, simt::queue& stream) {
  attention_gradient_call<Kind>::check(what);
  check_workspace(k_attention, what, naive_workspace<Kind>(what));
  in_dtype_of(what, [&]<class T>(T) { launch_naive_of<Kind, T>(what, stream); });
}

// Behind the deltas, sums of dq.
template <attention_kind Kind>
std::size_t atomic_workspace(const call& what) {
  const attention_size size = attention_call<Kind>::size(what);
  return bytes_of_rows(size, 1) + bytes_of_rows(size, size.width);
}

// A pass over the keys, from p with its scale times log2(e); `scale`: without.
template <int Width, class T, class Besides>
void launch_keys(const attention_gradient_problem<T>& p, float scale, const Besides& besides,
                 const call& what, simt::queue& stream) {
  const std::int64_t blocks = blocks_for(p.size.keys, k_mma_tile) * p.size.batch * p.size.heads;
  if (blocks > 0)
    launch_blocks(attention_key_gradients_mma<Width, T, Besides>, blocks, k_mma_threads,
                  Besides::template k_bytes<Width>, what, stream, p, scale, besides);
}

struct two_passes {
  template <int Width, class T>
  static void launch(const attention_gradient_problem<T>& p, float scale, const call& what,
                     simt::queue& stream) {
    launch_keys<Width>(p, scale, keys_alone{}, what, stream);
    if (p.size.rows() > 0)
      launch_blocks(attention_query_gradients_mma<Width, T>, blocks_of_tiles(p.size, k_mma_tile),
                    k_mma_threads, gradient_memory<Width>::k_bytes, what, stream, p, scale);
  }
};

struct one_pass {
  template <int Width, class T>
  static void launch(const attention_gradient_problem<T>& p, float scale, const call& what,
                     simt::queue& stream) {
    char* const behind = static_cast<char*>(what.workspace) + bytes_of_rows(p.size, 1);
    const auto sums = simt::bind<float>(behind, bytes_of_rows(p.size, Width));
    const std::int64_t blocks = blocks_for(p.size.rows() * Width, k_clear_threads);
    if (blocks > 0)
      launch_blocks(attention_clear<T>, blocks, k_clear_threads, 0, what, stream, p, sums);
    launch_keys<Width>(p, scale, adds_to_queries{sums}, what, stream);
    attention_gradient_problem<T> unfolded = p;
    unfolded.scale = scale;
    const simt::global<const float> all = sums;
    if (blocks > 0)
      launch_blocks(attention_round_sums<T>, blocks, k_clear_threads, 0, what, stream, unfolded,
                    all);
  }
};

template <attention_kind Kind, class Passes, class T>
void launch_flash_of(const call& what, simt::queue& stream) {
  using roles = attention_gradient_call<Kind>;
  auto p = roles::template problem<T>(what);
  for (std::size_t i = 0; i < what.tensors.size(); ++i)
    if (i != roles::k_lse && !(roles::k_o > 3 && i == 3)) check_words(what, i);
  const float scale = p.scale;
  p.scale = float(roles::forward::scale(what) * k_log2_e);
  by_width(p.size.width, [&]<int Width>() {
    if (p.size.rows() > 0) launch_deltas(p, what, stream);
    Passes::template launch<Width>(p, scale, what, stream);
  });
}

template <attention_kind Kind, class Passes, std::size_t (*Workspace)(const call&)>
void launch_flash(const call& what, simt::queue& stream) {
  attention_gradient_call<Kind>::check(what);
  check_workspace(k_attention, what, Workspace(what));
  const dtype type = what.tensors[0].type;
  if (type == dtype::bf16) return launch_flash_of<Kind, Passes, simt::bf16>(what, stream);
  if (type == dtype::fp16) return launch_flash_of<Kind, Passes, simt::fp16>(what, stream);
  detail::refuse(0, "is fp32", "bf16 or fp16");
}

template <attention_kind Kind>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  all.push_back({function, "naive", launch_naive<Kind>, naive_workspace<Kind>});
  constexpr auto k_deltas = attention_gradient_call<Kind>::bytes_of_deltas;
  all.push_back({function, "flash_mma", launch_flash<Kind, two_passes, k_deltas>, k_deltas});
  constexpr auto k_sums = atomic_workspace<Kind>;
  all.push_back({function, "flash_mma_atomic", launch_flash<Kind, one_pass, k_sums>, k_sums});
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<attention_kind::dense>(all, "attention.dense.bwd");
  add_launchers<attention_kind::causal>(all, "attention.causal.bwd");
  add_launchers<attention_kind::window>(all, "attention.window.bwd");
  add_launchers<attention_kind::padding>(all, "attention.padding.bwd");
  add_launchers<attention_kind::alibi>(all, "attention.alibi.bwd");
  add_launchers<attention_kind::bias>(all, "attention.bias.bwd");
  add_launchers<attention_kind::blocks>(all, "attention.blocks.bwd");
  return all;
}

}  // namespace

std::span<const launcher> attention_gradient_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
