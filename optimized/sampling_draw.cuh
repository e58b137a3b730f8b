// Drawing a row's token, a block a row: sampling.cuh says what and how.
#pragma once

#include "optimized/sampling.cuh"
#include "optimized/sampling_uniform.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_select_bits = 8, k_select_digits = 1 << k_select_bits;

// What a pass of radix select has in shared memory.
struct select_memory {
  simt::shared<weight> sums;   // of each digit
  simt::shared<weight> found;  // the digit, and what is left of what is wanted
};

// In the order from the largest logit down: the one at which what the logits bring reaches what is
// wanted, and how much of that those above it leave.
struct selection {
  std::uint32_t image = 0;
  weight left;
};

// The digit at which the sums, from the highest digit down, reach `wanted`: by one warp, of which
// each lane has eight digits.
SIMT_DEVICE void find_digit(const select_memory& memory, weight wanted) {
  constexpr int k_each = k_select_digits / 32;
  const int lane = int(threadIdx.x), highest = k_select_digits - 1 - lane * k_each;
  weight own = 0;
  for (int i = 0; i < k_each; ++i) own += memory.sums[highest - i];
  weight upto = own;
  for (int away = 1; away < 32; away *= 2) {
    const weight other = __shfl_up_sync(0xffffffffu, upto, unsigned(away));
    if (lane >= away) upto += other;
  }
  weight before = upto - own;
  if (before >= wanted || upto < wanted) return;
  int digit = highest;
  for (; before + memory.sums[digit] < wanted; --digit) before += memory.sums[digit];
  memory.found[0] = weight(digit);
  memory.found[1] = wanted - before;
}

// brings(x, its image): what a logit brings; all of them at least `wanted`, and that at least 1.
template <class Row, class Brings>
SIMT_DEVICE selection block_select(const Row& x, const select_memory& memory, weight wanted,
                                   const Brings& brings) {
  selection at{0, wanted};
  for (int shift = 32 - k_select_bits; shift >= 0; shift -= k_select_bits) {
    const int above = shift + k_select_bits;
    for (int d = int(threadIdx.x); d < k_select_digits; d += k_staged_threads) memory.sums[d] = 0;
    __syncthreads();  // sums are 0, and what the pass before found has been read
    for (std::int64_t j = threadIdx.x; j < x.columns; j += k_staged_threads) {
      const float logit = x[j];
      const std::uint32_t image = ordered(logit);
      if (weight(image) >> above != weight(at.image) >> above) continue;
      atomicAdd(memory.sums + int(image >> shift & (k_select_digits - 1)), brings(logit, image));
    }
    __syncthreads();  // every thread's logits are in the sums
    if (threadIdx.x < 32) find_digit(memory, at.left);
    __syncthreads();  // the digit is there
    at.image |= std::uint32_t(memory.found[0]) << shift;
    at.left = memory.found[1];
  }
  return at;
}

// What top-k and then top-p keep of a row.
template <class Row, class T>
SIMT_DEVICE kept_tokens block_kept(const Row& x, const sampling_problem<T>& p,
                                   const token_weights& weights, const select_memory& memory,
                                   const warp_parts& parts) {
  kept_tokens kept;
  if (p.limits_count())
    kept.cut = block_select(x, memory, weight(p.top_k), [](float, std::uint32_t) {
                 return weight(1);
               }).image;
  if (!p.limits_share()) return kept;
  const auto brings = [&](float logit, std::uint32_t image) {
    return image >= kept.cut ? weights.of(logit) : weight(0);
  };
  weight mine = 0;
  for (std::int64_t j = threadIdx.x; j < x.columns; j += k_staged_threads) {
    const float logit = x[j];
    mine += brings(logit, ordered(logit));
  }
  const part_of_53_bits part(p.share, parts.sum(mine));
  const weight needed = part.whole + (part.exact ? 0 : 1);
  const selection at = block_select(x, memory, needed > 0 ? needed : 1, brings);
  // Equal logits have equal weights.
  const weight each = weights.of(logit_of(at.image));
  return {at.image, (at.left + each - 1) / each};
}

// The columns of one warp, in their order, 32 at a time: a warp has neighbouring ones, so that its
// sum stands for all of them.
template <class Row>
struct warp_columns {
  const Row& x;
  const kept_tokens& kept;
  const token_weights& weights;
  std::int64_t first, last;

  SIMT_DEVICE warp_columns(const Row& row, const kept_tokens& of, const token_weights& by)
      : x(row), kept(of), weights(by) {
    const std::int64_t each = (x.columns + k_staged_threads - 1) / k_staged_threads * 32;
    first = std::int64_t(threadIdx.x) / 32 * each;
    last = first + each < x.columns ? first + each : x.columns;
  }
  // takes(column, the weight it is drawn with) of this lane's column of each 32, until one of them
  // returns true; `ties`: those in columns before. The whole warp must call it.
  template <class Takes>
  SIMT_DEVICE void each(weight ties, const Takes& takes) const {
    const int lane = int(threadIdx.x) % 32;
    for (std::int64_t base = first; base < last; base += 32) {
      const std::int64_t column = base + lane;
      const float logit = column < last ? x[column] : -INFINITY;
      const std::uint32_t image = ordered(logit);
      const bool tied = column < last && image == kept.cut;
      const std::uint32_t all_tied = __ballot_sync(0xffffffffu, tied);
      const weight rank = ties + weight(simt::popcount(all_tied & ((1u << lane) - 1)));
      const bool stays = column < last && (tied ? rank < kept.ties : image > kept.cut);
      if (takes(column, stays ? weights.of(logit) : weight(0))) return;
      ties += weight(simt::popcount(all_tied));
    }
  }
  SIMT_DEVICE weight ties() const {
    weight count = 0;
    for (std::int64_t j = first + int(threadIdx.x) % 32; j < last; j += 32)
      count += ordered(x[j]) == kept.cut;
    return warp_total(count);
  }
  SIMT_DEVICE weight sum(weight ties_before) const {
    weight mine = 0;
    each(ties_before, [&](std::int64_t, weight w) {
      mine += w;
      return false;
    });
    return warp_total(mine);
  }
  // The column at which `before` and the weights from this warp's first on exceed `wanted`.
  SIMT_DEVICE void find(weight ties_before, weight before, weight wanted,
                        simt::global<std::int32_t> token) const {
    const int lane = int(threadIdx.x) % 32;
    each(ties_before, [&](std::int64_t column, weight upto) {
      for (int away = 1; away < 32; away *= 2) {
        const weight other = __shfl_up_sync(0xffffffffu, upto, unsigned(away));
        if (lane >= away) upto += other;
      }
      const std::uint32_t beyond = __ballot_sync(0xffffffffu, before + upto > wanted);
      if (beyond != 0 && (beyond & ((2u << lane) - 1)) == 1u << lane)
        token[0] = std::int32_t(column);
      before += __shfl_sync(0xffffffffu, upto, 31);
      return beyond != 0;
    });
  }

 private:
  SIMT_DEVICE static weight warp_total(weight mine) {
    for (int away = 16; away > 0; away /= 2) mine += __shfl_xor_sync(0xffffffffu, mine, away);
    return mine;
  }
};

// A block a row. Uniform: given_uniform or philox_uniform.
template <bool Staged, class Uniform, class T>
__global__ void __launch_bounds__(k_staged_threads)
    sampling_draw(sampling_problem<T> p, Uniform uniform) {
  __shared__ simt::array<weight, k_sampling_warps> of_warps;
  __shared__ simt::array<weight, k_select_digits> sums;
  __shared__ simt::array<weight, 2> found;
  const warp_parts parts{of_warps};
  const std::int64_t row = blockIdx.x;
  const sampled_row<T, Staged> x(p, row);
  const greatest_logit most = block_greatest(x, parts);
  const std::int64_t u = uniform.of_row(row);
  if (most.token == k_no_token || u == k_no_uniform) {
    if (threadIdx.x == 0) p.tokens[row] = k_no_token;
    return;
  }
  const token_weights weights{most.value, p.inverse};
  const kept_tokens kept = block_kept(x, p, weights, select_memory{sums, found}, parts);
  const warp_columns mine(x, kept, weights);
  // Which of the ties stay asks for those in columns before.
  const weight ties = p.limits_share() ? parts.in_order(mine.ties()).before : 0;
  const auto at = parts.in_order(mine.sum(ties));
  const weight wanted = part_of_53_bits(weight(u), at.total).whole;
  if (at.before <= wanted && wanted < at.before + at.own)
    mine.find(ties, at.before, wanted, p.tokens + row);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
