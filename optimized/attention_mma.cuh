// Flash attention on tensor cores: attention.cuh's algorithm for bf16 and fp16, FlashAttention 2's
// (Dao 2023) for the instructions of Ampere. Scores and outputs stay in registers, in the layout in
// which mma.sync leaves them, which is the one it takes the weights in. K and V come by cp.async
// while the tile before them is worked on.
//
// Numbers: products of 16-bit numbers summed in fp32; weights 2^(s scale - m scale), scale times
// log2(e), by the special-function unit, rounded to 16 bits for their product with V and not for
// their sum l.
#pragma once

#include "optimized/attention_tile.cuh"
#include "optimized/math/log1p.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// Of a lane: its part of two rows of a warp's 16, as multiply_rows has them.
template <int Width>
struct mma_rows {
  float m[2] = {-INFINITY, -INFINITY};  // largest score, unscaled
  float l[2] = {0, 0};                  // over this lane's columns
  simt::accumulator o[Width / 8] = {};
};
struct mma_scores {
  simt::accumulator x[k_mma_tile / 8] = {};
};

// Q, and two stages of K and V.
template <int Width>
inline constexpr std::size_t k_mma_shared_bytes = 5 * mma_tile<Width>::k_elements * 2;

// -infinity for keys that a row does not see; `first` is the tile's first key.
SIMT_DEVICE void mask_scores(mma_scores& s, const key_span (&seen)[2], int first) {
  const int column = first + int(threadIdx.x) % 4 * 2;
  SIMT_UNROLL
  for (int n = 0; n < k_mma_tile / 8; ++n) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int key = column + n * 8 + (e & 1);
      if (!holds(seen[e >> 1], key)) s.x[n].x[e] = -INFINITY;
    }
  }
}

// What exponents are taken relative to: m scale, and anything where nothing was seen yet.
SIMT_DEVICE float base_of(float m, float scale) { return m == -INFINITY ? 0.0f : m * scale; }

// Turns scores into weights, and what was summed up so far into the new maximum's units.
template <int Width>
SIMT_DEVICE void take_scores(mma_rows<Width>& rows, mma_scores& s, float scale) {
  SIMT_UNROLL
  for (int h = 0; h < 2; ++h) {
    float m = rows.m[h];
    SIMT_UNROLL
    for (int n = 0; n < k_mma_tile / 8; ++n)
      m = simt::max(m, simt::max(s.x[n].x[2 * h], s.x[n].x[2 * h + 1]));
    m = simt::max(m, __shfl_xor_sync(0xffffffffu, m, 1));
    m = simt::max(m, __shfl_xor_sync(0xffffffffu, m, 2));
    const float base = base_of(m, scale);
    const float factor =
        rows.m[h] == -INFINITY ? 0.0f : simt::exp2_approx(base_of(rows.m[h], scale) - base);
    rows.m[h] = m;
    rows.l[h] *= factor;
    SIMT_UNROLL
    for (int n = 0; n < Width / 8; ++n) {
      rows.o[n].x[2 * h] *= factor;
      rows.o[n].x[2 * h + 1] *= factor;
    }
    SIMT_UNROLL
    for (int n = 0; n < k_mma_tile / 8; ++n) {
      SIMT_UNROLL
      for (int e = 2 * h; e < 2 * h + 2; ++e) {
        s.x[n].x[e] = simt::exp2_approx(fmaf(s.x[n].x[e], scale, -base));
        rows.l[h] += s.x[n].x[e];
      }
    }
  }
}

// Adds what is infinite or NaN in a tile's values, from memory, to the rows that see it,
// seen(half, key): every weight is positive.
template <int Width, class Half, class Sees>
SIMT_DEVICE void add_beyond(mma_rows<Width>& rows, const head_rows<const Half>& v, int batch,
                            int head, int first, const Sees& seen) {
  const int t = int(threadIdx.x) % 4;
  for (int key = first; key < first + k_mma_tile; ++key) {
    const bool sees[2] = {seen(0, key), seen(1, key)};
    if (!sees[0] && !sees[1]) continue;
    const auto values = v.at(batch, key, head);
    SIMT_UNROLL
    for (int n = 0; n < Width / 8; ++n) {
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e) {
        const Half value = values[n * 8 + t * 2 + (e & 1)];
        if (sees[e >> 1] && is_beyond<Half>(simt::bits_of_half(value)))
          rows.o[n].x[e] += simt::to_float(value);
      }
    }
  }
}

// Divides by the sums, and stores the warp's rows; `query` is the lane's first, `scale` that of
// exponents.
template <int Width, class Half>
SIMT_DEVICE void store_rows(const attention_problem<Half>& p, mma_rows<Width>& rows, float scale,
                            int batch, int head, int query) {
  const int t = int(threadIdx.x) % 4;
  SIMT_UNROLL
  for (int h = 0; h < 2; ++h) {
    float l = rows.l[h];
    l += __shfl_xor_sync(0xffffffffu, l, 1);
    l += __shfl_xor_sync(0xffffffffu, l, 2);
    const int row = query + 8 * h;
    if (row >= p.size.queries) continue;
    const bool any = l != 0.0f;
    const float inverse = any ? 1.0f / l : 0.0f;
    const auto o = simt::view<std::uint32_t>(p.o.at(batch, row, head));
    SIMT_UNROLL
    for (int n = 0; n < Width / 8; ++n)
      o[n * 4 + t] =
          simt::pack<Half>(rows.o[n].x[2 * h] * inverse, rows.o[n].x[2 * h + 1] * inverse);
    constexpr float k_ln2 = 0x1.62e43p-1f;
    if (t == 0)
      p.lse[p.size.row_at(batch, head, row)] =
          any ? fmaf(base_of(rows.m[h], scale), k_ln2, math::log1p(l - 1.0f)) : -INFINITY;
  }
}

// What a warp knows of its rows: the lane's first query, which keys it and the one 8 behind it see,
// and what is added to their scores.
template <class Half>
struct mma_queries {
  int query;
  key_span seen[2];
  head_bias<Half> bias;

  // What exponents take scores times: their scale, unless they have it already.
  SIMT_DEVICE float scale(float of_scores) const { return bias.adds() ? 1.0f : of_scores; }
};

// One tile of keys and values, in place, from key `first` on; `partial`: not all of its pairs are
// there.
template <int Width, class Half>
SIMT_DEVICE void take_tile(mma_rows<Width>& rows, const attention_problem<Half>& p,
                           const mma_queries<Half>& of, const mma_place& at,
                           simt::shared<Half> queries, simt::shared<Half> keys,
                           simt::shared<Half> values, int first, bool partial) {
  mma_scores s;
  multiply_rows<Width, k_mma_tile>(s.x, queries, int(threadIdx.x) / 32 * k_mma_warp_rows, keys);
  if (of.bias.adds())
    add_biases<k_mma_tile>(s.x, p.scale, [&](int half, int column) {
      const int key = first + column;
      return holds(of.seen[half], key) ? of.bias.of(of.query + 8 * half, key) : -INFINITY;
    });
  else if (partial)
    mask_scores(s, of.seen, first);
  take_scores(rows, s, of.scale(p.scale));
  // A value that is infinite or NaN, and not seen by all rows, is added to each that sees it.
  if (partial && clear_tile<Width, k_mma_tile>(values))
    add_beyond(rows, p.v, at.batch, at.head / p.size.group, first, [&](int half, int key) {
      return holds(of.seen[half], key) && !of.bias.hides(of.query + 8 * half, key);
    });
  multiply_weights<Width, k_mma_tile>(rows.o, s.x, values);
}

template <int Width, class Half>
__global__ void __launch_bounds__(k_mma_threads) attention_flash_mma(attention_problem<Half> p) {
  constexpr int k_elements = mma_tile<Width>::k_elements;
  constexpr std::size_t k_bytes = k_elements * 2;
  const auto queries = simt::dynamic_shared<Half>(0, k_elements);
  const auto keys = simt::dynamic_shared<Half>(k_bytes, 2 * k_elements);
  const auto values = simt::dynamic_shared<Half>(3 * k_bytes, 2 * k_elements);
  const mma_place at = place_of_block(p.size);
  const int past_queries =
      at.first_query + k_mma_tile < p.size.queries ? at.first_query + k_mma_tile : p.size.queries;
  const batch_mask mask = p.mask.of(at.batch);
  const auto [live, common] = seen_of_tile(mask, at.first_query, past_queries);
  const int query =
      at.first_query + int(threadIdx.x) / 32 * k_mma_warp_rows + int(threadIdx.x) % 32 / 4;
  const mma_queries<Half> of{
      query,
      {seen_before(mask, query, past_queries), seen_before(mask, query + 8, past_queries)},
      p.bias.of(at.head)};
  const auto from = [&](int tile) {
    return of.bias.next_live(tile, live.last, k_mma_tile, [&](int key) {
      return pair_place{at.first_query, key};
    });
  };
  const auto start_keys = [&](int stage, int first) {
    const int head = at.head / p.size.group;
    start_tile<Width>(keys + stage * k_elements, p.k, at.batch, head, first, live);
    start_tile<Width>(values + stage * k_elements, p.v, at.batch, head, first, live);
  };
  int first = from(live.first - live.first % k_mma_tile);
  mma_rows<Width> rows;
  if (first < live.last) {
    start_tile<Width>(queries, p.q, at.batch, at.head, at.first_query, {0, p.size.queries});
    start_keys(0, first);
  }
  simt::cp_async_commit();
  for (int stage = 0; first < live.last; stage ^= 1) {
    const int next = from(first + k_mma_tile);
    if (next < live.last) start_keys(1 - stage, next);
    simt::cp_async_commit();
    simt::cp_async_wait_group<1>();
    __syncthreads();  // everybody's part of the tile has landed
    const bool partial =
        of.bias.hides_some() || first < common.first || first + k_mma_tile > common.last;
    take_tile(rows, p, of, at, queries, keys + stage * k_elements, values + stage * k_elements,
              first, partial);
    __syncthreads();  // everybody is done with the tile, whose place the next but one takes
    first = next;
  }
  store_rows(p, rows, of.scale(p.scale), at.batch, at.head, query);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
