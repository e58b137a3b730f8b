// The next token as it is written, a thread a row: sums in fp32 from the first column on, the k-th
// largest logit and the one at which a share p is reached by bisection, a pass over the row for
// each of an image's 32 bits.
#pragma once

#include "optimized/sampling.cuh"
#include "optimized/sampling_uniform.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_naive_sampling_threads = 64;

template <class T>
struct naive_row {
  simt::global<const T> logits;
  std::int64_t columns;
  float most, inverse;

  SIMT_DEVICE float operator[](std::int64_t j) const { return simt::to_float(T(logits[j])); }
  SIMT_DEVICE greatest_logit greatest() const {
    weight most_of_all = 0;
    for (std::int64_t j = 0; j < columns; ++j) {
      const weight mine = candidate((*this)[j], j);
      if (mine > most_of_all) most_of_all = mine;
    }
    return greatest_logit(most_of_all);
  }
  SIMT_DEVICE float weight_of(float logit) const {
    const float below = logit - most;
    return below == 0.0f ? 1.0f : math::exp(below * inverse);
  }
  SIMT_DEVICE std::int64_t count_from(std::uint32_t image) const {
    std::int64_t count = 0;
    for (std::int64_t j = 0; j < columns; ++j) count += ordered((*this)[j]) >= image;
    return count;
  }
  SIMT_DEVICE float sum_from(std::uint32_t image) const {
    float sum = 0.0f;
    for (std::int64_t j = 0; j < columns; ++j) {
      const float logit = (*this)[j];
      if (ordered(logit) >= image) sum += weight_of(logit);
    }
    return sum;
  }
};

// The largest image at which `enough` holds, which holds at 0, and below wherever it holds.
template <class Enough>
SIMT_DEVICE std::uint32_t largest_image(const Enough& enough) {
  std::uint32_t image = 0;
  for (std::uint32_t bit = 0x80000000u; bit != 0; bit >>= 1)
    if (enough(image | bit)) image |= bit;
  return image;
}

// What is kept: logits above `cut`, and of those that equal it, in their order, each that finds
// less than is needed of what is there already.
struct naive_kept {
  std::uint32_t cut = 0;
  float above = 0.0f, needed = INFINITY;
};

template <class T>
SIMT_DEVICE naive_kept naively_kept(const naive_row<T>& x, const sampling_problem<T>& p) {
  naive_kept kept;
  if (p.limits_count())
    kept.cut = largest_image([&](std::uint32_t i) { return x.count_from(i) >= p.top_k; });
  if (!p.limits_share()) return kept;
  const std::uint32_t least = kept.cut;
  const float needed = p.top_p * x.sum_from(least);
  kept.needed = needed > 0.0f ? needed : 0x1p-149f;  // one token at least
  kept.cut = largest_image(
      [&](std::uint32_t i) { return x.sum_from(i > least ? i : least) >= kept.needed; });
  kept.above = x.sum_from(kept.cut + 1);
  return kept;
}

// takes(column, weight) of every kept token, until one returns true.
template <class T, class Takes>
SIMT_DEVICE void each_kept(const naive_row<T>& x, const naive_kept& kept, const Takes& takes) {
  float share = kept.above;
  for (std::int64_t j = 0; j < x.columns; ++j) {
    const float logit = x[j];
    const std::uint32_t image = ordered(logit);
    const bool tied = image == kept.cut;
    if (image < kept.cut || (tied && !(share < kept.needed))) continue;
    const float w = x.weight_of(logit);
    if (tied) share += w;
    if (takes(j, w)) return;
  }
}

template <class T>
__global__ void __launch_bounds__(k_naive_sampling_threads)
    sampling_greedy_naive(sampling_problem<T> p, std::int64_t rows) {
  const std::int64_t row = std::int64_t(blockIdx.x) * k_naive_sampling_threads + threadIdx.x;
  if (row >= rows) return;
  p.tokens[row] = naive_row<T>{p.logits[row], p.columns, 0, 0}.greatest().token;
}

template <class Uniform, class T>
__global__ void __launch_bounds__(k_naive_sampling_threads)
    sampling_draw_naive(sampling_problem<T> p, std::int64_t rows, Uniform uniform) {
  const std::int64_t row = std::int64_t(blockIdx.x) * k_naive_sampling_threads + threadIdx.x;
  if (row >= rows) return;
  naive_row<T> x{p.logits[row], p.columns, 0, p.inverse};
  const greatest_logit most = x.greatest();
  const std::int64_t u = uniform.of_row(row);
  if (most.token == k_no_token || u == k_no_uniform) {
    p.tokens[row] = k_no_token;
    return;
  }
  x.most = most.value;
  const naive_kept kept = naively_kept(x, p);
  float total = 0.0f;
  each_kept(x, kept, [&](std::int64_t, float w) {
    total += w;
    return false;
  });
  // The upper 24 bits of u: fp32 holds them.
  const float wanted = float(int(u >> 29)) * 0x1p-24f * total;
  float sum = 0.0f;
  std::int32_t token = k_no_token;  // the last that can come, where roundings let none exceed
  each_kept(x, kept, [&](std::int64_t column, float w) {
    sum += w;
    if (w > 0.0f) token = std::int32_t(column);
    return sum > wanted;
  });
  p.tokens[row] = token;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
