// What a raw call means:
//
//   logits   [rows, columns]              forward: logits, targets, losses, total; parameter live
//   targets  [rows], int32                backward: logits, targets, gradient, losses, total;
//   losses   [rows], total [], fp32       parameters live and scale
//
// Rows of logits and of the gradient may lie any distance apart, and the gradient where the logits
// are. Targets are on the device: what they are is not looked at here.
#include "optimized/cross_entropy.cuh"
#include "optimized/cross_entropy_staged.cuh"
#include "optimized/matrix_rows.cuh"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {

__global__ void __launch_bounds__(k_entropy_threads)
    cross_entropy_count(simt::global<const std::int32_t> targets, std::int64_t rows,
                        simt::global<std::int32_t> counted) {
  __shared__ simt::array<int, k_entropy_threads / 32> counts;
  int count = 0;
  for (std::int64_t r = threadIdx.x; r < rows; r += k_entropy_threads) count += targets[r] >= 0;
  count = __reduce_add_sync(0xffffffffu, count);
  if (threadIdx.x % 32 == 0) counts[threadIdx.x / 32] = count;
  __syncthreads();  // every warp's count is there
  if (threadIdx.x > 0) return;
  count = 0;
  for (int w = 0; w < k_entropy_threads / 32; ++w) count += counts[w];
  counted[0] = count;
}

__global__ void __launch_bounds__(k_entropy_threads)
    cross_entropy_total(simt::global<const float> losses, std::int64_t rows,
                        simt::global<const std::int32_t> counted, bool mean,
                        simt::global<float> total) {
  float sum = 0.0f;
  for (std::int64_t r = threadIdx.x; r < rows; r += k_entropy_threads) sum += losses[r];
  sum = block_sum<k_entropy_threads>(sum);
  if (threadIdx.x > 0) return;
  const int count = mean ? int(counted[0]) : 1;
  total[0] = count > 0 ? sum / float(count) : 0.0f;
}

namespace {

enum class entropy_kernel { three_pass, staged, staged_unit };

template <bool Gradient>
struct cross_entropy_call {
  static constexpr call_signature k_signature{"cross_entropy", Gradient ? 5u : 4u, 0,
                                              Gradient ? 2u : 1u};
  static constexpr std::size_t k_logits = 0, k_targets = 1, k_gradient = Gradient ? 2 : 0,
                               k_losses = Gradient ? 3 : 2, k_total = k_losses + 1;

  static std::int64_t live(const call& what) {
    const auto given = std::int64_t(what.parameters[0]);
    return given == 0 ? what.tensors[k_logits].shape[1] : given;
  }

  static void check(const call& what) {
    detail::check_counts(k_signature, what);
    detail::check_floating(k_signature, what);
    const std::vector<std::int64_t>& shape = what.tensors[k_logits].shape;
    detail::check_rank(what, k_logits, 2, k_signature.name);
    detail::check_shape(k_signature, what, k_gradient, shape);
    detail::check_shape(k_signature, what, k_targets, {shape[0]});
    detail::check_shape(k_signature, what, k_losses, {shape[0]});
    detail::check_shape(k_signature, what, k_total, {});
    for (const std::size_t i : {k_logits, k_gradient}) {
      detail::check_tensor(k_signature, what, i, what.tensors[k_logits].type, shape[0] * shape[1]);
      detail::row_stride(k_signature, what, i);
    }
    detail::check_tensor(k_signature, what, k_targets, dtype::int32, shape[0]);
    detail::check_tensor(k_signature, what, k_losses, dtype::fp32, shape[0]);
    detail::check_tensor(k_signature, what, k_total, dtype::fp32, 1);
    for (const std::size_t i : {k_targets, k_losses, k_total})
      detail::check_contiguous(k_signature, what, i);
    check_live(what.parameters[0], shape[1]);
    check_workspace(k_signature, what, k_workspace);
  }

  template <class T>
  static cross_entropy_problem<T> problem(const call& what, bool mean) {
    cross_entropy_problem<T> p;
    p.logits = rows<const T>(what, k_logits, p.logits_lead);
    if constexpr (Gradient) p.gradient = rows<T>(what, k_gradient, p.gradient_lead);
    const tensor &targets = what.tensors[k_targets], &losses = what.tensors[k_losses];
    p.targets = simt::bind<const std::int32_t>(targets.data, targets.bytes());
    p.losses = simt::bind<float>(losses.data, losses.bytes());
    p.counted = simt::bind<const std::int32_t>(what.workspace, k_workspace);
    p.rows = what.tensors[k_logits].shape[0], p.columns = what.tensors[k_logits].shape[1];
    p.live = live(what);
    p.mean = mean;
    if constexpr (Gradient) p.scale = float(what.parameters[1]);
    return p;
  }

  static constexpr std::size_t k_workspace = sizeof(std::int32_t);

 private:
  static void check_live(double given, std::int64_t columns) {
    if (!(given >= 0 && given <= double(columns)) || given != std::floor(given))
      throw simt::error(k_signature.name, "live " + std::to_string(given),
                        "a whole number from 0 to " + std::to_string(columns) + ", the columns");
  }
  template <class T>
  static matrix_rows<T> rows(const call& what, std::size_t i, int& lead) {
    const tensor& t = what.tensors[i];
    lead = int(reinterpret_cast<std::uintptr_t>(t.data) % 16 / sizeof(T));
    return {simt::bind<T>(t.data, t.bytes()), detail::row_stride(k_signature, what, i)};
  }
};

std::size_t workspace(const call&) { return sizeof(std::int32_t); }

template <class Form, bool Gradient, class T>
void launch_staged(const cross_entropy_problem<T>& p, const call& what, simt::queue& stream) {
  const auto size = std::int64_t(sizeof(T));
  const std::int64_t widest = k_staged_bytes / size / k_staged_step * k_staged_step,
                     whole = (p.live + k_staged_step - 1) / k_staged_step * k_staged_step,
                     chunk = std::clamp<std::int64_t>(whole, k_staged_step, widest);
  simt::launch(cross_entropy_staged<Form, Gradient, T>,
               grid_of(cross_entropy_call<Gradient>::k_signature, what, p.rows),
               dim3(k_staged_threads), std::size_t(chunk * size + 16), stream, p, Form{},
               int(chunk));
}

template <bool Gradient, entropy_kernel Kernel, class T>
void launch_rows(const cross_entropy_problem<T>& p, const call& what, simt::queue& stream) {
  if constexpr (Kernel == entropy_kernel::three_pass)
    simt::launch(cross_entropy_three_pass<natural_exponentials, Gradient, T>,
                 grid_of(cross_entropy_call<Gradient>::k_signature, what, p.rows),
                 dim3(k_entropy_threads), 0, stream, p, natural_exponentials{});
  else if constexpr (Kernel == entropy_kernel::staged)
    launch_staged<natural_exponentials, Gradient>(p, what, stream);
  else
    launch_staged<unit_exponentials, Gradient>(p, what, stream);
}

template <bool Mean, bool Gradient, entropy_kernel Kernel>
void launch(const call& what, simt::queue& stream) {
  using of = cross_entropy_call<Gradient>;
  of::check(what);
  const auto counted = simt::bind<std::int32_t>(what.workspace, of::k_workspace);
  const auto run = [&]<class T>(T) {
    const cross_entropy_problem<T> p = of::template problem<T>(what, Mean);
    if (Mean)
      simt::launch(cross_entropy_count, dim3(1), dim3(k_entropy_threads), 0, stream, p.targets,
                   p.rows, counted);
    if (p.rows > 0) launch_rows<Gradient, Kernel>(p, what, stream);
    const simt::global<const float> losses = p.losses;
    const tensor& total = what.tensors[of::k_total];
    simt::launch(cross_entropy_total, dim3(1), dim3(k_entropy_threads), 0, stream, losses, p.rows,
                 p.counted, Mean, simt::bind<float>(total.data, total.bytes()));
  };
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32) return run(float());
  if (type == dtype::bf16) return run(simt::bf16());
  run(simt::fp16());
}

template <bool Mean, bool Gradient>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  all.push_back({function, "staged", launch<Mean, Gradient, entropy_kernel::staged>, workspace});
  all.push_back(
      {function, "staged_unit", launch<Mean, Gradient, entropy_kernel::staged_unit>, workspace});
  all.push_back(
      {function, "three_pass", launch<Mean, Gradient, entropy_kernel::three_pass>, workspace});
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<true, false>(all, "cross_entropy.mean.fwd");
  add_launchers<true, true>(all, "cross_entropy.mean.bwd");
  add_launchers<false, false>(all, "cross_entropy.sum.fwd");
  add_launchers<false, true>(all, "cross_entropy.sum.bwd");
  return all;
}

}  // namespace

std::span<const launcher> cross_entropy_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
