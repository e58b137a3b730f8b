#include "optimized/layer_norm.cuh"
#include "optimized/layer_norm_call.cuh"
#include "optimized/layer_norm_gradient.cuh"
#include "optimized/layer_norm_gradient_two_pass.cuh"
#include "optimized/layer_norm_two_pass.cuh"

#include <algorithm>

namespace assay::optimized::inline ASSAY_BUILD {

__global__ void __launch_bounds__(k_row_threads)
    layer_norm_parameter_sums(simt::global<const float> partial, std::int64_t blocks,
                              std::int64_t length, simt::global<float> dgamma,
                              simt::global<float> dbeta) {
  __shared__ simt::array<float, k_row_threads> parts;
  const int lane = int(threadIdx.x) % k_parameter_columns,
            slice = int(threadIdx.x) / k_parameter_columns;
  const std::int64_t column = std::int64_t(blockIdx.x) * k_parameter_columns + lane;
  float sum = 0.0f;
  if (column < 2 * length)
    for (std::int64_t b = slice; b < blocks; b += k_parameter_slices)
      sum += partial[b * 2 * length + column];
  parts[int(threadIdx.x)] = sum;
  __syncthreads();  // every slice's part is there before the first slice reads them
  if (slice != 0 || column >= 2 * length) return;
  for (int s = 1; s < k_parameter_slices; ++s) sum += parts[s * k_parameter_columns + lane];
  if (column < length)
    dgamma[column] = sum;
  else
    dbeta[column - length] = sum;
}

namespace {

// Rows that a warp or a block takes in turn, so that gamma and beta are read once for all of them:
// as many as leave so many warps or blocks, which is what fills a large GPU, and few at most.
constexpr std::int64_t k_row_teams = 2048, k_most_rows_each = 16;

std::int64_t rows_each(std::int64_t count) {
  return std::clamp<std::int64_t>(count / k_row_teams, 1, k_most_rows_each);
}

template <class U>
simt::global<U> vector_of(const call& what, std::size_t i) {
  return simt::bind<U>(what.tensors[i].data, what.tensors[i].bytes());
}

template <bool Residual, class T>
layer_norm_problem<T> problem_of(const call& what) {
  using in = layer_norm_forward_call<Residual>;
  layer_norm_problem<T> p{};
  p.x = detail::rows_of<const T>(in::k_signature, what, in::k_x);
  p.y = detail::rows_of<T>(in::k_signature, what, in::k_y);
  if constexpr (Residual) {
    p.residual = detail::rows_of<const T>(in::k_signature, what, in::k_residual);
    p.sum = detail::rows_of<T>(in::k_signature, what, in::k_sum);
  }
  p.gamma = vector_of<const T>(what, in::k_gamma);
  p.beta = vector_of<const T>(what, in::k_beta);
  p.mean = vector_of<float>(what, in::k_mean);
  p.rstd = vector_of<float>(what, in::k_rstd);
  p.count = what.tensors[0].shape[0];
  p.length = what.tensors[0].shape[1];
  p.eps = checked_eps(what);
  return p;
}

template <bool Residual, class T, int Threads>
void launch_on_chip(const call& what, const layer_norm_problem<T>& p, simt::queue& stream) {
  using in = layer_norm_forward_call<Residual>;
  const std::int64_t each = rows_each(p.count), teams = (p.count + each - 1) / each;
  constexpr std::int64_t k_teams = k_row_threads / Threads;  // of a block
  const dim3 grid = grid_of(in::k_signature, what, (teams + k_teams - 1) / k_teams);
  const auto launch = [&](auto kernel) {
    simt::launch(kernel, grid, dim3(k_row_threads), 0, stream, p, each);
  };
  if (takes_words<in, T>(what))
    launch(layer_norm_shifted<T, Residual, 16, Threads>);
  else
    launch(layer_norm_shifted<T, Residual, int(sizeof(T)), Threads>);
}

template <bool Residual, bool Shifted>
void launch_forward(const call& what, simt::queue& stream) {
  using in = layer_norm_forward_call<Residual>;
  check_layer_norm_call<in>(what);
  checked_eps(what);
  if (what.tensors[0].shape[0] == 0) return;
  with_type_of(what, [&]<class T>() {
    const layer_norm_problem<T> p = problem_of<Residual, T>(what);
    if (Shifted && p.length <= k_warp_row) return launch_on_chip<Residual, T, 32>(what, p, stream);
    if (Shifted && p.length <= k_block_row)
      return launch_on_chip<Residual, T, k_row_threads>(what, p, stream);
    simt::launch(layer_norm_two_pass<T, Residual, Shifted>, grid_of(in::k_signature, what, p.count),
                 dim3(k_row_threads), 0, stream, p);
  });
}

// How the rows of a gradient are divided: a row's threads, and the rows of a block, which are as
// many as leave 256 blocks, and few at most.
struct gradient_plan {
  bool on_chip = false;
  int threads = 0;  // of a row
  std::int64_t rows_each = 1, blocks = 0;
};

gradient_plan plan_of(const call& what, bool one_pass) {
  constexpr std::int64_t k_blocks = 256, k_most_rows = 256;
  const std::int64_t count = what.tensors[0].shape[0], length = what.tensors[0].shape[1];
  gradient_plan plan;
  plan.on_chip = one_pass && length <= k_block_row;
  plan.threads = plan.on_chip && length > k_warp_row ? k_row_threads : 32;
  plan.rows_each = std::clamp<std::int64_t>((count + k_blocks - 1) / k_blocks,
                                            k_row_threads / plan.threads, k_most_rows);
  plan.blocks = (count + plan.rows_each - 1) / plan.rows_each;
  return plan;
}

template <bool OnePass>
std::size_t gradient_workspace(const call& what) {
  if (what.tensors.empty() || what.tensors[0].shape.size() != 2) return 0;
  return std::size_t(plan_of(what, OnePass).blocks * 2 * what.tensors[0].shape[1]) * sizeof(float);
}

template <bool Residual, class T>
layer_norm_gradient_problem<T> gradient_problem_of(const call& what, const gradient_plan& plan) {
  using in = layer_norm_backward_call<Residual>;
  layer_norm_gradient_problem<T> p{};
  p.dy = detail::rows_of<const T>(in::k_signature, what, in::k_dy);
  p.x = detail::rows_of<const T>(in::k_signature, what, in::k_x);
  if constexpr (Residual) p.dsum = detail::rows_of<const T>(in::k_signature, what, in::k_dsum);
  p.dx = detail::rows_of<T>(in::k_signature, what, in::k_dx);
  p.gamma = vector_of<const T>(what, in::k_gamma);
  p.mean = vector_of<const float>(what, in::k_mean);
  p.rstd = vector_of<const float>(what, in::k_rstd);
  p.partial = simt::bind<float>(what.workspace, what.workspace_bytes);
  p.count = what.tensors[0].shape[0];
  p.length = what.tensors[0].shape[1];
  p.rows_each = plan.rows_each;
  return p;
}

// dx and the parts of dgamma and dbeta. (Where dx overlays dy, the parts come first.)
template <bool Residual, class T>
void launch_gradient_of(const call& what, const gradient_plan& plan, simt::queue& stream) {
  using in = layer_norm_backward_call<Residual>;
  const auto p = gradient_problem_of<Residual, T>(what, plan);
  const auto launch = [&](auto kernel, std::int64_t blocks, auto... more) {
    simt::launch(kernel, grid_of(in::k_signature, what, blocks), dim3(k_row_threads), 0, stream, p,
                 more...);
  };
  if (!plan.on_chip) {
    const std::int64_t columns = (p.length + k_parameter_columns - 1) / k_parameter_columns;
    launch(layer_norm_parameter_parts<T>, plan.blocks * columns, columns);
    return launch(layer_norm_gradient_two_pass<T, Residual>, p.count);
  }
  constexpr int k_single = int(sizeof(T));
  const bool words = takes_words<in, T>(what), warps = plan.threads == 32;
  if (words && warps) return launch(layer_norm_gradient_one_pass<T, Residual, 16, 32>, plan.blocks);
  if (words)
    return launch(layer_norm_gradient_one_pass<T, Residual, 16, k_row_threads>, plan.blocks);
  if (warps) return launch(layer_norm_gradient_one_pass<T, Residual, k_single, 32>, plan.blocks);
  launch(layer_norm_gradient_one_pass<T, Residual, k_single, k_row_threads>, plan.blocks);
}

template <bool Residual, bool OnePass>
void launch_backward(const call& what, simt::queue& stream) {
  using in = layer_norm_backward_call<Residual>;
  check_layer_norm_call<in>(what);
  check_workspace(in::k_signature, what, gradient_workspace<OnePass>(what));
  const std::int64_t count = what.tensors[0].shape[0], length = what.tensors[0].shape[1];
  if (length == 0) return;
  const gradient_plan plan = plan_of(what, OnePass);
  if (count > 0)
    with_type_of(what, [&]<class T>() { launch_gradient_of<Residual, T>(what, plan, stream); });
  simt::launch(
      layer_norm_parameter_sums,
      grid_of(in::k_signature, what, (2 * length + k_parameter_columns - 1) / k_parameter_columns),
      dim3(k_row_threads), 0, stream, simt::bind<const float>(what.workspace, what.workspace_bytes),
      plan.blocks, length, vector_of<float>(what, in::k_dgamma),
      vector_of<float>(what, in::k_dbeta));
}

}  // namespace

std::span<const launcher> layer_norm_launchers() {
  static constexpr launcher k_all[] = {
      {"layer_norm.plain.fwd", "shifted", launch_forward<false, true>},
      {"layer_norm.plain.fwd", "two_pass", launch_forward<false, false>},
      {"layer_norm.residual.fwd", "shifted", launch_forward<true, true>},
      {"layer_norm.residual.fwd", "two_pass", launch_forward<true, false>},
      {"layer_norm.plain.bwd", "one_pass", launch_backward<false, true>, gradient_workspace<true>},
      {"layer_norm.plain.bwd", "two_pass", launch_backward<false, false>,
       gradient_workspace<false>},
      {"layer_norm.residual.bwd", "one_pass", launch_backward<true, true>,
       gradient_workspace<true>},
      {"layer_norm.residual.bwd", "two_pass", launch_backward<true, false>,
       gradient_workspace<false>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
