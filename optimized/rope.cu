#include "optimized/check_call.cuh"
#include "optimized/launcher.hpp"
#include "optimized/map_launcher.cuh"
#include "optimized/rope.cuh"

#include <cmath>
#include <sstream>
#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

__global__ void __launch_bounds__(k_rope_threads)
    rope_steps(simt::global<std::uint64_t> steps, std::int64_t pairs, rope_frequencies of) {
  const std::int64_t j = std::int64_t(blockIdx.x) * k_rope_threads + threadIdx.x;
  if (j < pairs) steps[j] = rope_step(of, j);
}

__global__ void __launch_bounds__(k_rope_threads)
    rope_fp32_frequencies(simt::global<float> frequencies, std::int64_t pairs,
                          rope_frequencies of) {
  const std::int64_t j = std::int64_t(blockIdx.x) * k_rope_threads + threadIdx.x;
  if (j < pairs) frequencies[j] = rope_frequency(of, j);
}

__global__ void __launch_bounds__(k_rope_threads)
    rope_fill_table(simt::global<float2> table, direct_rotations from, rope_shape of) {
  const std::int64_t entry = std::int64_t(blockIdx.x) * k_rope_threads + threadIdx.x;
  if (entry >= of.positions * of.pairs) return;
  const math::cosine_and_sine both = from.at(of, entry / of.pairs, entry % of.pairs);
  table[entry] = float2{both.cosine, both.sine};
}

// The nearest double by bisection, which is right to 2^-28 or better; each of Newton's steps
// squares that, times m / 2, down to what the double words leave.
math::double_word inverse_root(double b, std::int64_t m) {
  double least = 1 / b, most = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = least + (most - least) / 2;
    (math::power({middle, 0}, m).high * b > 1 ? most : least) = middle;
  }
  math::double_word root{least, 0};
  for (int i = 0; i < 3; ++i) {
    const math::double_word one = math::product(math::power(root, m), {b, 0});
    const double off = ((one.high - 1) + one.low) / double(m);  // b root^m - 1, over m
    const double step = -root.high * off;
    const math::double_word sum = math::ordered_sum(root.high, step);
    root = math::ordered_sum(sum.high, sum.low + root.low);
  }
  return root;
}

rope_frequencies rope_frequencies_of(std::int64_t pairs, double base, double linear_scale,
                                     double ntk_scale) {
  rope_frequencies of;
  of.root = inverse_root(base, pairs);
  if (pairs > 1) of.root = math::product(of.root, inverse_root(ntk_scale, pairs - 1));
  // 1 / (2 pi); of a scale the inverse, its 1st root
  of.unit =
      math::product({0x1.45f306dc9c883p-3, -0x1.6b01ec5417056p-57}, inverse_root(linear_scale, 1));
  return of;
}

namespace {

enum class rope_scaling { none, linear, ntk };
enum class rope_rotations { direct, table, fp32_angles };

constexpr std::int64_t k_most_pairs = std::int64_t(1) << 23;

constexpr call_signature signature_of(rope_scaling scaling) {
  return {"rope", 2, 0, scaling == rope_scaling::none ? 2u : 3u};
}

rope_shape shape_of(const call& what) {
  const std::vector<std::int64_t>& shape = what.tensors.front().shape;
  if (shape.size() != 4)
    throw simt::error("rope", "a tensor of rank " + std::to_string(shape.size()), "rank 4");
  if (shape[3] % 2 != 0 || shape[3] > 2 * k_most_pairs)
    throw simt::error("rope", "heads of " + std::to_string(shape[3]) + " elements",
                      "an even number, 2^24 at most");
  return {shape[0], shape[1], shape[2], shape[3] / 2};
}

void check_parameters(const call& what) {
  const auto refuse = [&](const char* name, std::size_t k, const char* expected) {
    std::ostringstream given;
    given << name << ' ' << what.parameters[k];
    throw simt::error("rope", given.str(), expected);
  };
  const auto within = [&](std::size_t k, double least, double most) {
    return what.parameters[k] >= least && what.parameters[k] <= most;
  };
  if (!within(0, 0, 0x1p24) || what.parameters[0] != std::floor(what.parameters[0]))
    refuse("offset", 0, "an integer from 0 to 2^24");
  if (!within(1, 1, 0x1p32)) refuse("base", 1, "a number from 1 to 2^32");
  if (what.parameters.size() > 2 && !within(2, 1, 0x1p16))
    refuse("scale", 2, "a number from 1 to 2^16");
}

rope_frequencies frequencies_of(const call& what, rope_scaling scaling, std::int64_t pairs) {
  const double scale = scaling == rope_scaling::none ? 1 : what.parameters[2];
  return rope_frequencies_of(pairs, what.parameters[1], scaling == rope_scaling::linear ? scale : 1,
                             scaling == rope_scaling::ntk ? scale : 1);
}

// Frequencies; or steps, and behind them the table.
template <rope_rotations How>
std::size_t rope_workspace(const call& what) {
  const rope_shape of = shape_of(what);
  if (How == rope_rotations::fp32_angles) return std::size_t(of.pairs) * sizeof(float);
  const std::int64_t tabled = How == rope_rotations::table ? of.positions : 0;
  return std::size_t(of.pairs * (tabled + 1)) * sizeof(std::uint64_t);
}

// A call in one dtype.
template <class T, bool Forward>
class rope_call {
 public:
  rope_call(const call& what, simt::queue& stream, const rope_shape& of)
      : what_(what), stream_(stream), of_(of) {}

  template <class Kernel, class... Arguments>
  void launch(Kernel kernel, std::int64_t blocks, const Arguments&... arguments) const {
    simt::launch(kernel, grid_of({"rope", 2}, what_, blocks), dim3(k_rope_threads), 0, stream_,
                 arguments...);
  }
  template <class Rotations>
  void rotate(const Rotations& rotations) const {
    const std::int64_t blocks = of_.batch * of_.positions;
    const tensor &x = what_.tensors[0], &y = what_.tensors[1];
    const auto run = [&](auto kernel) {
      launch(kernel, blocks, simt::bind<const T>(x.data, x.bytes()),
             simt::bind<T>(y.data, y.bytes()), rotations, of_);
    };
    const bool aligned = (detail::address_of(x) | detail::address_of(y)) % 16 == 0;
    if (aligned && of_.pairs * std::int64_t(sizeof(T)) % 16 == 0)
      run(rope_rotate<T, 16, Forward, Rotations>);
    else
      run(rope_rotate<T, int(sizeof(T)), Forward, Rotations>);
  }

 private:
  const call& what_;
  simt::queue& stream_;
  const rope_shape& of_;
};

constexpr std::int64_t blocks_for(std::int64_t threads) {
  return (threads + k_rope_threads - 1) / k_rope_threads;
}

template <class T, bool Forward, rope_rotations How>
void launch_rope_of(const call& what, simt::queue& stream, const rope_shape& of,
                    const rope_frequencies& frequencies) {
  const rope_call<T, Forward> c(what, stream, of);
  if constexpr (How == rope_rotations::fp32_angles) {
    const std::size_t bytes = std::size_t(of.pairs) * sizeof(float);
    c.launch(rope_fp32_frequencies, blocks_for(of.pairs), simt::bind<float>(what.workspace, bytes),
             of.pairs, frequencies);
    return c.rotate(fp32_rotations{simt::bind<const float>(what.workspace, bytes)});
  }
  auto* const scratch = static_cast<std::uint64_t*>(what.workspace);
  const std::size_t step_bytes = std::size_t(of.pairs) * sizeof(std::uint64_t);
  c.launch(rope_steps, blocks_for(of.pairs), simt::bind<std::uint64_t>(scratch, step_bytes),
           of.pairs, frequencies);
  const direct_rotations direct{simt::bind<const std::uint64_t>(scratch, step_bytes)};
  if constexpr (How == rope_rotations::direct) {
    c.rotate(direct);
  } else {
    const std::size_t table_bytes = step_bytes * std::size_t(of.positions);
    c.launch(rope_fill_table, blocks_for(of.positions * of.pairs),
             simt::bind<float2>(scratch + of.pairs, table_bytes), direct, of);
    c.rotate(tabled_rotations{simt::bind<const float2>(scratch + of.pairs, table_bytes)});
  }
}

template <rope_scaling Scaling, bool Forward, rope_rotations How>
void launch_rope(const call& what, simt::queue& stream) {
  constexpr call_signature k_signature = signature_of(Scaling);
  check_call(k_signature, what);
  check_workspace(k_signature, what, rope_workspace<How>(what));
  check_parameters(what);
  rope_shape of = shape_of(what);
  if (what.tensors[1].shape != what.tensors[0].shape)
    throw simt::error("rope", "tensor 1 is of another shape", "that of tensor 0");
  if (what.tensors[0].elements() == 0) return;
  of.first = std::int64_t(what.parameters[0]);
  const rope_frequencies frequencies = frequencies_of(what, Scaling, of.pairs);
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32)
    return launch_rope_of<float, Forward, How>(what, stream, of, frequencies);
  if (type == dtype::bf16)
    return launch_rope_of<simt::bf16, Forward, How>(what, stream, of, frequencies);
  launch_rope_of<simt::fp16, Forward, How>(what, stream, of, frequencies);
}

template <rope_scaling Scaling, rope_rotations How>
constexpr launcher rope_launcher(std::string_view function, std::string_view name) {
  return {function, name,
          function.ends_with("fwd") ? launch_rope<Scaling, true, How>
                                    : launch_rope<Scaling, false, How>,
          rope_workspace<How>};
}

}  // namespace

std::span<const launcher> rope_launchers() {
  using enum rope_scaling;
  using enum rope_rotations;
  static constexpr launcher k_all[] = {
      rope_launcher<none, direct>("rope.plain.fwd", "direct"),
      rope_launcher<none, table>("rope.plain.fwd", "table"),
      rope_launcher<none, fp32_angles>("rope.plain.fwd", "fp32_angles"),
      rope_launcher<none, direct>("rope.plain.bwd", "direct"),
      rope_launcher<none, table>("rope.plain.bwd", "table"),
      rope_launcher<none, fp32_angles>("rope.plain.bwd", "fp32_angles"),
      rope_launcher<linear, direct>("rope.linear.fwd", "direct"),
      rope_launcher<linear, table>("rope.linear.fwd", "table"),
      rope_launcher<linear, fp32_angles>("rope.linear.fwd", "fp32_angles"),
      rope_launcher<linear, direct>("rope.linear.bwd", "direct"),
      rope_launcher<linear, table>("rope.linear.bwd", "table"),
      rope_launcher<linear, fp32_angles>("rope.linear.bwd", "fp32_angles"),
      rope_launcher<ntk, direct>("rope.ntk.fwd", "direct"),
      rope_launcher<ntk, table>("rope.ntk.fwd", "table"),
      rope_launcher<ntk, fp32_angles>("rope.ntk.fwd", "fp32_angles"),
      rope_launcher<ntk, direct>("rope.ntk.bwd", "direct"),
      rope_launcher<ntk, table>("rope.ntk.bwd", "table"),
      rope_launcher<ntk, fp32_angles>("rope.ntk.bwd", "fp32_angles"),
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
