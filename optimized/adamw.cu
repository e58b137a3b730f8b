// What a raw call means:
//
//   weight, mean, square [n], fp32; gradient [n]; factor [], fp32
//   new_weight, new_mean, new_square [n], fp32
//   copied: copy [n], bf16 or fp16, which is the gradient's dtype where that has 16 bits
//   parameters rate, beta1, beta2, eps, decay, step
#include "optimized/adamw.cuh"
#include "optimized/check_call.cuh"
#include "optimized/launcher.hpp"

#include <cmath>
#include <string>
#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

enum : std::size_t { k_weight, k_gradient, k_mean, k_square, k_factor, k_new, k_copy = 8 };
constexpr std::size_t k_tensors = k_copy;  // of a step
constexpr call_signature k_adamw{"adamw", k_tensors - 1, 1, 6},
    k_adamw_copied{"adamw", k_tensors, 1, 6};
constexpr double k_most_steps = 0x1p24;

// A model computes in one dtype of 16 bits. Some of its gradients may be fp32 (a layer norm's).
void check_copy(const call& what, std::int64_t count) {
  const dtype type = what.tensors[k_copy].type, gradient = what.tensors[k_gradient].type;
  if (type != dtype::bf16 && type != dtype::fp16)
    detail::refuse(k_copy, "is " + std::string(name_of(type)), "bf16 or fp16", k_adamw.name);
  detail::check_tensor(k_adamw_copied, what, k_copy, gradient == dtype::fp32 ? type : gradient,
                       count);
  detail::check_contiguous(k_adamw_copied, what, k_copy);
}

void check_adamw(const call& what, bool copied) {
  detail::check_counts(copied ? k_adamw_copied : k_adamw, what);
  detail::check_floating(k_adamw, what, k_gradient);
  const std::int64_t count = what.tensors[k_gradient].elements();
  for (std::size_t i = 0; i < k_tensors; ++i) {
    detail::check_tensor(k_adamw, what, i, i == k_gradient ? what.tensors[i].type : dtype::fp32,
                         i == k_factor ? 1 : count);
    detail::check_contiguous(k_adamw, what, i);
  }
  if (copied) check_copy(what, count);
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

template <class Copy>
adamw_copy<Copy> copy_of(const call& what) {
  if constexpr (std::is_void_v<Copy>)
    return {};
  else
    return {simt::bind<Copy>(what.tensors[k_copy].data, what.tensors[k_copy].bytes())};
}

template <class T, class Copy>
adamw_arrays<T, Copy> arrays_of(const call& what) {
  const auto from = [&](std::size_t i) {
    return simt::bind<const float>(what.tensors[i].data, what.tensors[i].bytes());
  };
  const auto to = [&](std::size_t i) {
    return simt::bind<float>(what.tensors[i].data, what.tensors[i].bytes());
  };
  const tensor& gradient = what.tensors[k_gradient];
  return {from(k_weight),      simt::bind<const T>(gradient.data, gradient.bytes()),
          from(k_mean),        from(k_square),
          from(k_factor),      to(k_new),
          to(k_new + 1),       to(k_new + 2),
          gradient.elements(), copy_of<Copy>(what)};
}

// A copy's word has the elements of a word of gradients: part of a model may begin at 16 bytes in
// fp32 and at 8 in 16 bits.
bool begin_at_words(const call& what) {
  const auto place = [&](std::size_t i) {
    return reinterpret_cast<std::uintptr_t>(what.tensors[i].data);
  };
  std::uintptr_t any = 0;
  for (std::size_t i = 0; i < k_tensors; ++i)
    if (i != k_factor) any |= place(i);
  if (what.tensors.size() > k_tensors)
    any |= place(k_copy) *
           (size_of(what.tensors[k_gradient].type) / size_of(what.tensors[k_copy].type));
  return any % 16 == 0;
}

template <bool Plain, class T, class Copy>
void launch_step(const call& what, simt::queue& stream) {
  const std::vector<double>& p = what.parameters;
  const adamw_numbers by({p[0], p[1], p[2], p[3], p[4]}, std::int64_t(p[5]));
  const adamw_arrays<T, Copy> all = arrays_of<T, Copy>(what);
  const std::int64_t own =
      k_adamw_threads * (Plain ? k_adamw_turns : k_adamw_groups * k_adamw_group<T>);
  const dim3 grid = grid_of(k_adamw, what, (all.count + own - 1) / own);
  const auto queue = [&](auto kernel) {
    simt::launch(kernel, grid, dim3(k_adamw_threads), 0, stream, all, by);
  };
  if (all.count == 0) return;
  if (Plain) return queue(adamw_plain<T, Copy>);
  if (begin_at_words(what)) return queue(adamw_words<T, Copy, true>);
  queue(adamw_words<T, Copy, false>);
}

template <bool Plain, bool Copied>
void launch(const call& what, simt::queue& stream) {
  check_adamw(what, Copied);
  const auto run = [&]<class T>(T) {
    if constexpr (!Copied)
      launch_step<Plain, T, void>(what, stream);
    else if constexpr (!std::is_same_v<T, float>)
      launch_step<Plain, T, T>(what, stream);
    else if (what.tensors[k_copy].type == dtype::bf16)
      launch_step<Plain, T, simt::bf16>(what, stream);
    else
      launch_step<Plain, T, simt::fp16>(what, stream);
  };
  const dtype type = what.tensors[k_gradient].type;
  if (type == dtype::fp32) return run(float());
  if (type == dtype::bf16) return run(simt::bf16());
  run(simt::fp16());
}

}  // namespace

std::span<const launcher> adamw_launchers() {
  static constexpr launcher k_all[] = {
      {"adamw.step.fwd", "words", launch<false, false>},
      {"adamw.step.fwd", "plain", launch<true, false>},
      {"adamw.copied.fwd", "words", launch<false, true>},
      {"adamw.copied.fwd", "plain", launch<true, true>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
