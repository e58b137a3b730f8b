// What a raw call means:
//
//   weight, mean, square [n], fp32; gradient [n]; factor [], fp32
//   new_weight, new_mean, new_square [n], fp32
//   parameters rate, beta1, beta2, eps, decay, step
#include "optimized/adamw.cuh"
#include "optimized/check_call.cuh"
#include "optimized/launcher.hpp"

#include <cmath>
#include <string>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

constexpr call_signature k_adamw{"adamw", 7, 1, 6};
enum : std::size_t { k_weight, k_gradient, k_mean, k_square, k_factor, k_new, k_tensors = 8 };
constexpr double k_most_steps = 0x1p24;

void check_adamw(const call& what) {
  detail::check_counts(k_adamw, what);
  detail::check_floating(k_adamw, what, k_gradient);
  const std::int64_t count = what.tensors[k_gradient].elements();
  for (std::size_t i = 0; i < k_tensors; ++i) {
    detail::check_tensor(k_adamw, what, i, i == k_gradient ? what.tensors[i].type : dtype::fp32,
                         i == k_factor ? 1 : count);
    detail::check_contiguous(k_adamw, what, i);
  }
  for (const std::size_t beta : {1, 2})
    if (!(what.parameters[beta] >= 0 && float(what.parameters[beta]) < 1))
      throw simt::error(k_adamw.name,
                        "beta" + std::to_string(beta) + " " + std::to_string(what.parameters[beta]),
                        "0 or more, and as fp32 less than 1");
  const double step = what.parameters[5];
  if (!(step >= 1 && step <= k_most_steps) || step != std::floor(step))
    throw simt::error(k_adamw.name, "step " + std::to_string(step),
                      "a whole number from 1 to 2^24");
}

template <class T>
adamw_arrays<T> arrays_of(const call& what) {
  const auto from = [&](std::size_t i) {
    return simt::bind<const float>(what.tensors[i].data, what.tensors[i].bytes());
  };
  const auto to = [&](std::size_t i) {
    return simt::bind<float>(what.tensors[i].data, what.tensors[i].bytes());
  };
  const tensor& gradient = what.tensors[k_gradient];
  return {from(k_weight),     simt::bind<const T>(gradient.data, gradient.bytes()),
          from(k_mean),       from(k_square),
          from(k_factor),     to(k_new),
          to(k_new + 1),      to(k_new + 2),
          gradient.elements()};
}

bool begin_at_words(const call& what) {
  std::uintptr_t any = 0;
  for (std::size_t i = 0; i < k_tensors; ++i)
    if (i != k_factor) any |= reinterpret_cast<std::uintptr_t>(what.tensors[i].data);
  return any % 16 == 0;
}

template <bool Plain>
void launch(const call& what, simt::queue& stream) {
  check_adamw(what);
  const std::vector<double>& p = what.parameters;
  const adamw_numbers by({p[0], p[1], p[2], p[3], p[4]}, std::int64_t(p[5]));
  const auto run = [&]<class T>(T) {
    const adamw_arrays<T> all = arrays_of<T>(what);
    const std::int64_t own =
        k_adamw_threads * (Plain ? k_adamw_turns : k_adamw_groups * k_adamw_group<T>);
    const dim3 grid = grid_of(k_adamw, what, (all.count + own - 1) / own);
    const auto queue = [&](auto kernel) {
      simt::launch(kernel, grid, dim3(k_adamw_threads), 0, stream, all, by);
    };
    if (all.count == 0) return;
    if (Plain) return queue(adamw_plain<T>);
    if (begin_at_words(what)) return queue(adamw_words<T, true>);
    queue(adamw_words<T, false>);
  };
  const dtype type = what.tensors[k_gradient].type;
  if (type == dtype::fp32) return run(float());
  if (type == dtype::bf16) return run(simt::bf16());
  run(simt::fp16());
}

}  // namespace

std::span<const launcher> adamw_launchers() {
  static constexpr launcher k_all[] = {
      {"adamw.step.fwd", "words", launch<false>},
      {"adamw.step.fwd", "plain", launch<true>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
