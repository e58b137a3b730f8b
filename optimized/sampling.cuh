// The next token of each row of logits: what all kernels share, and those with a block a row.
//
//   greedy   the largest logit's, of equal ones the first
//   draw     w = e^((x - max x) / temperature) of the tokens that top-k and top-p keep; the first
//            token at which the sum of the kept w, from the first on, exceeds u times all of it
//
// top-k keeps the k largest and what equals the k-th; top-p, of those, the smallest set of the
// largest that together have at least a share p, of equal ones the first. A row with a NaN or
// +infinity, or with nothing but -infinity, has no next token: -1.
//
// Weights are whole numbers, in units of 2^-40: of e^x what lies below is cut off. Their sums have
// no error, whatever the order; so the order may be anybody's, atomics' too, and a token depends on
// its own row alone. Only e^x rounds. Logits are ordered by integers with their order, exactly: the
// k-th largest, and where a share p is reached, are found by their digits of 8 bits from the
// highest down (radix select), each pass adding up what every digit brings.
#pragma once

#include "optimized/math/exp.cuh"
#include "optimized/matrix_rows.cuh"
#include "optimized/staged_part.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_sampling_warps = k_staged_threads / 32;
inline constexpr std::int32_t k_no_token = -1;

// A sum of weights; unsigned long long is what CUDA's atomics take. Below 2^63, since rows have at
// most 2^23 columns.
using weight = unsigned long long;
inline constexpr weight k_weight_one = weight(1) << 40;
inline constexpr std::int64_t k_most_columns = std::int64_t(1) << 23;

template <class T>
struct sampling_problem {
  matrix_rows<const T> logits;
  simt::global<std::int32_t> tokens;
  std::int64_t columns = 0;
  int lead = 0;            // elements from a multiple of 16 bytes to the first row
  float inverse = 1;       // 1 / temperature
  std::int64_t top_k = 0;  // 0: all
  // top-p: of 2^53 at least so many parts; what fp32 has below that is less than the largest
  // weight's share of a row.
  weight share = 0;
  float top_p = 1;  // the same

  SIMT_DEVICE bool limits_count() const { return top_k > 0 && top_k < columns; }
  SIMT_DEVICE bool limits_share() const { return top_p < 1.0f; }
};

// An integer with the order of the logits; zeros of both signs are one.
SIMT_DEVICE std::uint32_t ordered(float x) {
  const std::uint32_t bits = simt::bits_of(x + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
SIMT_DEVICE float logit_of(std::uint32_t image) {
  return simt::float_of(image & 0x80000000u ? image & 0x7fffffffu : ~image);
}

// A logit and its column as one integer: the largest, of equal ones the first, is the greatest; and
// what leaves a row without a next token greater than all.
inline constexpr weight k_undefined_candidate = ~weight(0);
SIMT_DEVICE weight candidate(float x, std::int64_t column) {
  if (!(x < INFINITY)) return k_undefined_candidate;
  return weight(ordered(x)) << 32 | weight(0xffffffffu - std::uint32_t(column));
}
// Of a row's greatest candidate, 0 where it has no columns.
struct greatest_logit {
  float value;
  std::int32_t token;

  SIMT_DEVICE explicit greatest_logit(weight of)
      : value(logit_of(std::uint32_t(of >> 32))),
        token(of == k_undefined_candidate || of >> 32 <= ordered(-INFINITY)
                  ? k_no_token
                  : std::int32_t(0xffffffffu - std::uint32_t(of))) {}
};

// floor(a b / 2^53), and whether that is all: a <= 2^53, b < 2^63.
struct part_of_53_bits {
  weight whole;
  bool exact;

  SIMT_DEVICE part_of_53_bits(weight a, weight b) {
    const weight k_low = 0xffffffffu;
    const weight low = (a & k_low) * (b & k_low), high = (a >> 32) * (b >> 32);
    const weight left = (a >> 32) * (b & k_low), right = (a & k_low) * (b >> 32);
    const weight middle = (low >> 32) + (left & k_low) + (right & k_low);
    const weight bottom = middle << 32 | (low & k_low);
    const weight top = high + (left >> 32) + (right >> 32) + (middle >> 32);
    whole = top << 11 | bottom >> 53;
    exact = (bottom & ((weight(1) << 53) - 1)) == 0;
  }
};

struct token_weights {
  float most, inverse;

  // 1 where the logit is the largest, even if 1 / temperature is infinite.
  SIMT_DEVICE weight of(float x) const {
    const float below = x - most;
    return below == 0.0f ? k_weight_one : weight(math::exp(below * inverse) * 0x1p40f);
  }
};

// What is kept: logits above `cut`, and the first `ties` of those that equal it.
struct kept_tokens {
  std::uint32_t cut = 0;
  weight ties = ~weight(0);
};

// A row in shared memory, or where it lies.
template <class T, bool Staged>
struct sampled_row {
  simt::global<const T> logits;
  staged_part<T> part;
  std::int64_t columns;

  SIMT_DEVICE sampled_row(const sampling_problem<T>& p, std::int64_t row)
      : logits(p.logits[row]), columns(p.columns) {
    if constexpr (Staged) {
      constexpr int k_word = staged_part<T>::k_word;
      part.memory = simt::dynamic_shared<T>(0, std::size_t(columns + k_word));
      part.lead = int((p.lead + row * p.logits.stride) % k_word);
      part.count = int(columns);
      part.load(logits);
    }
  }
  SIMT_DEVICE float operator[](std::int64_t j) const {
    if constexpr (Staged)
      return part.score(int(j));
    else
      return simt::to_float(T(logits[j]));
  }
};

// What the warps of a block tell each other.
struct warp_parts {
  simt::shared<weight> of_warps;  // k_sampling_warps of them

  // `combine` of the values of all threads, the same in every thread. All must call it.
  template <class Combine>
  SIMT_DEVICE weight all(weight mine, const Combine& combine) const {
    for (int away = 16; away > 0; away /= 2)
      mine = combine(mine, __shfl_xor_sync(0xffffffffu, mine, away));
    __syncthreads();  // who asked before has read the parts
    if (threadIdx.x % 32 == 0) of_warps[int(threadIdx.x) / 32] = mine;
    __syncthreads();  // every warp's part is there
    mine = of_warps[int(threadIdx.x) % k_sampling_warps];
    for (int away = k_sampling_warps / 2; away > 0; away /= 2)
      mine = combine(mine, __shfl_xor_sync(0xffffffffu, mine, away));
    return mine;
  }
  SIMT_DEVICE weight sum(weight mine) const {
    return all(mine, [](weight a, weight b) { return a + b; });
  }
  // Of the warps before this one, and this one's own, which all of its lanes have.
  struct place {
    weight before, own, total;
  };
  SIMT_DEVICE place in_order(weight own) const {
    const int warp = int(threadIdx.x) / 32;
    __syncthreads();  // who asked before has read the parts
    if (threadIdx.x % 32 == 0) of_warps[warp] = own;
    __syncthreads();  // every warp's part is there
    place at{0, own, 0};
    for (int w = 0; w < k_sampling_warps; ++w) {
      if (w < warp) at.before += of_warps[w];
      at.total += of_warps[w];
    }
    return at;
  }
};

template <class Row>
SIMT_DEVICE greatest_logit block_greatest(const Row& x, const warp_parts& parts) {
  const auto greater = [](weight a, weight b) { return a > b ? a : b; };
  weight mine = 0;
  for (std::int64_t j = threadIdx.x; j < x.columns; j += k_staged_threads)
    mine = greater(mine, candidate(x[j], j));
  return greatest_logit(parts.all(mine, greater));
}

template <bool Staged, class T>
__global__ void __launch_bounds__(k_staged_threads) sampling_greedy(sampling_problem<T> p) {
  __shared__ simt::array<weight, k_sampling_warps> of_warps;
  const sampled_row<T, Staged> x(p, blockIdx.x);
  const greatest_logit most = block_greatest(x, warp_parts{of_warps});
  if (threadIdx.x == 0) p.tokens[blockIdx.x] = most.token;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
