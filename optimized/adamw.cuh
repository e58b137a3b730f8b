// AdamW (reference/adamw.hpp), a step of every parameter:
//
//   m = beta1 m + (1 - beta1) g     v = beta2 v + (1 - beta2) g^2     g = factor gradient
//   w = w - rate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + decay w)
//
// Weights and moments are fp32, as masters of 16-bit training are; gradients are fp32, bf16 or
// fp16. The factor by which gradients are clipped is read from memory, where global_norm has left
// it: no host waits for it. What depends on the step alone is computed on the host, in double, and
// rounded to fp32 once (adamw_numbers).
//
// A model that computes in 16 bits wants its weights in them, too: where a kernel has a type Copy,
// it writes the new weight once more, rounded to that. The weight is in a register then; a pass of
// its own would read it from memory again.
//
// Seven arrays, or eight, are touched once and little is computed: how they are moved is all there
// is to it. adamw_plain goes element by element; adamw_words by 16 bytes of each array, or of as
// many of them as hold the same elements. Both compute the same bits. Every output but the copy may
// overlay its own input.
#pragma once

#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_adamw_threads = 256;
inline constexpr int k_adamw_turns = 16;  // elements of a thread of adamw_plain
inline constexpr int k_adamw_groups = 4;  // of a thread of adamw_words

// 1 - beta^t of a beta of fp32 below 1, by squaring, in double. Its relative error is at most
// (1 / (1 - beta) + 1) 2^-53: t - 1 roundings of the power, of which the difference has
// t beta^t / (1 - beta^t) <= 1 / (1 - beta) times as much, and its own.
inline double one_minus_power(double beta, std::int64_t step) {
  double power = 1;
  for (; step > 0; step /= 2, beta *= beta)
    if (step % 2 == 1) power *= beta;
  return 1 - power;
}

// The parameters of a step, and what follows from them.
struct adamw_numbers {
  float rate, beta1, beta2, eps, decay;
  float rest1, rest2;              // 1 - beta
  float correction1, correction2;  // 1 - beta^t

  adamw_numbers(const double (&of)[5], std::int64_t step)
      : rate(float(of[0])),
        beta1(float(of[1])),
        beta2(float(of[2])),
        eps(float(of[3])),
        decay(float(of[4])),
        rest1(float(1 - double(beta1))),
        rest2(float(1 - double(beta2))),
        correction1(float(one_minus_power(double(beta1), step))),
        correction2(float(one_minus_power(double(beta2), step))) {}
};

// Of one parameter.
SIMT_DEVICE void adamw_step(const adamw_numbers& by, float gradient, float& weight, float& mean,
                            float& square) {
  mean = fmaf(by.beta1, mean, by.rest1 * gradient);
  // In this order a square that fp32 has does not overflow on its way.
  square = fmaf(by.beta2, square, by.rest2 * gradient * gradient);
  const float root = sqrtf(square / by.correction2);
  const float update = mean / by.correction1 / (root + by.eps);
  weight = fmaf(-by.rate, fmaf(by.decay, weight, update), weight);
}

// Where new weights go once more, in the dtype that the model computes in; of void: nowhere.
template <class Copy>
struct adamw_copy {
  simt::global<Copy> to;
};
template <>
struct adamw_copy<void> {};

template <class T, class Copy>
struct adamw_arrays {
  simt::global<const float> weight;
  simt::global<const T> gradient;
  simt::global<const float> mean, square, factor;
  simt::global<float> new_weight, new_mean, new_square;
  std::int64_t count = 0;
  adamw_copy<Copy> copy;
};

template <class T, class Copy>
__global__ void __launch_bounds__(k_adamw_threads)
    adamw_plain(adamw_arrays<T, Copy> all, adamw_numbers by) {
  const float factor = all.factor[0];
  for (int turn = 0; turn < k_adamw_turns; ++turn) {
    const std::int64_t i =
        (std::int64_t(blockIdx.x) * k_adamw_turns + turn) * k_adamw_threads + threadIdx.x;
    if (i >= all.count) continue;
    float weight = all.weight[i], mean = all.mean[i], square = all.square[i];
    adamw_step(by, factor * simt::to_float(T(all.gradient[i])), weight, mean, square);
    all.new_weight[i] = weight;
    all.new_mean[i] = mean;
    all.new_square[i] = square;
    if constexpr (!std::is_void_v<Copy>) all.copy.to[i] = simt::from_float<Copy>(weight);
  }
}

// A group is as many elements as 16 bytes of gradients hold: one word of them, one or two of each
// array of fp32, and one of the copy, which has 16 bytes, or 8 where gradients are fp32. Bytes is
// the width of an access, or the size of an element where the arrays' alignment allows no more.
template <class T>
inline constexpr int k_adamw_group = 16 / int(sizeof(T));

// A group's elements of an array, by words of Bytes.
template <class T, int Bytes, int Count>
struct adamw_group {
  using word = elements<T, Bytes>;
  word of[Count / word::k_count];

  SIMT_DEVICE float& operator[](int e) { return of[e / word::k_count].value[e % word::k_count]; }
  SIMT_DEVICE void load(simt::global<const T> from, std::int64_t first, std::int64_t count) {
    SIMT_UNROLL
    for (int w = 0; w < Count / word::k_count; ++w) {
      const std::int64_t i = first + w * word::k_count;
      of[w] = i < count ? load_part<T, Bytes>(from + i, count - i) : word{};
    }
  }
  SIMT_DEVICE void store(simt::global<T> to, std::int64_t first, std::int64_t count) const {
    SIMT_UNROLL
    for (int w = 0; w < Count / word::k_count; ++w) {
      const std::int64_t i = first + w * word::k_count;
      if (i < count) store_part<T, Bytes>(to + i, of[w], count - i);
    }
  }
};

template <class T, class Copy, bool Words>
__global__ void __launch_bounds__(k_adamw_threads)
    adamw_words(adamw_arrays<T, Copy> all, adamw_numbers by) {
  constexpr int k_count = k_adamw_group<T>;
  using floats = adamw_group<float, Words ? 16 : 4, k_count>;
  const float factor = all.factor[0];
  for (int g = 0; g < k_adamw_groups; ++g) {
    const std::int64_t first =
        ((std::int64_t(blockIdx.x) * k_adamw_groups + g) * k_adamw_threads + threadIdx.x) * k_count;
    if (first >= all.count) continue;
    adamw_group<T, Words ? 16 : int(sizeof(T)), k_count> gradient;
    floats weight, mean, square;
    gradient.load(all.gradient, first, all.count);
    weight.load(all.weight, first, all.count);
    mean.load(all.mean, first, all.count);
    square.load(all.square, first, all.count);
    SIMT_UNROLL
    for (int e = 0; e < k_count; ++e)
      adamw_step(by, factor * gradient[e], weight[e], mean[e], square[e]);
    weight.store(all.new_weight, first, all.count);
    mean.store(all.new_mean, first, all.count);
    square.store(all.new_square, first, all.count);
    if constexpr (!std::is_void_v<Copy>) {
      adamw_group<Copy, int(sizeof(Copy)) * (Words ? k_count : 1), k_count> copy;
      SIMT_UNROLL
      for (int e = 0; e < k_count; ++e) copy[e] = weight[e];
      copy.store(all.copy.to, first, all.count);
    }
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
