// Gradients of flash attention on tensor cores (Dao 2023, algorithm 2), in two passes that both
// compute the weights again from the log-sum-exps, so that no sum depends on who comes first:
//
//   keys     a block holds 64 keys and their values, walks over the tiles of queries that see any
//            of them, and sums up dk and dv; here
//   queries  a block holds 64 queries and their gradients from above, walks over the tiles of keys
//            that any of them sees, and sums up dq; attention_gradient_queries.cuh
//
// They are one walk with the sides exchanged. The block's own rows (`own`) are multiplied with the
// columns of a tile (`tile`): scores and weights p from one pair of them, dp from the other, and ds
// = p (dp - delta); what p and ds are multiplied with, in turn, is the tile. Everything stays in
// registers, as in the forward pass.
//
// Numbers: as forward; p = 2^(s scale - lse log2(e)), p and ds rounded to 16 bits for their
// products.
#pragma once

#include "optimized/attention_gradient.cuh"
#include "optimized/attention_tile.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// Columns of a tile: so many that a lane's parts of the sums, of p and of dp fit its registers.
template <int Width>
inline constexpr int k_gradient_columns = Width <= 64 ? 64 : 32;

// Both rows that the block holds; two stages of both of a tile; its lse and deltas, in two stages.
template <int Width>
struct gradient_memory {
  static constexpr int k_columns = k_gradient_columns<Width>;
  static constexpr std::size_t k_own = mma_tile<Width>::k_elements,
                               k_tile = mma_tile<Width, k_columns>::k_elements;
  static constexpr std::size_t k_halves = 2 * k_own + 4 * k_tile;
  static constexpr std::size_t k_bytes = k_halves * 2 + 4 * k_columns * sizeof(float);

  template <class Half>
  SIMT_DEVICE static simt::shared<Half> own(int which) {
    return simt::dynamic_shared<Half>(std::size_t(which) * k_own * 2, k_own);
  }
  template <class Half>
  SIMT_DEVICE static simt::shared<Half> tile(int which, int stage) {
    return simt::dynamic_shared<Half>((2 * k_own + std::size_t(2 * stage + which) * k_tile) * 2,
                                      k_tile);
  }
  // Of a tile's queries: lse log2(e), then deltas.
  SIMT_DEVICE static simt::shared<float> statistics(int which, int stage) {
    return simt::dynamic_shared<float>(
        k_halves * 2 + std::size_t(2 * stage + which) * k_columns * sizeof(float), k_columns);
  }
};

// What exponents of a row are taken relative to. Of a row without a part, infinity: p is 0.
SIMT_DEVICE float exponent_base(float lse) {
  return lse == -INFINITY ? INFINITY : lse * k_float_log2_e;
}

// In place of a score of -infinity that is no bias's: its weight is 0, too, and the pair is there.
inline constexpr float k_least_score = -0x1.fffffep+127f;

template <int Columns>
SIMT_DEVICE void raise_scores(simt::accumulator (&s)[Columns / 8]) {
  SIMT_UNROLL
  for (int n = 0; n < Columns / 8; ++n) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e)
      if (s[n].x[e] == -INFINITY) s[n].x[e] = k_least_score;
  }
}

// Scores become weights: 2^(s scale - base); -0 where nothing is there, which no power is: where a
// score is -infinity, and where `seen` says so, like `base` of a row and a column of the fragments.
template <int Columns, class Seen, class Base>
SIMT_DEVICE void take_weights(simt::accumulator (&s)[Columns / 8], float scale, const Seen& seen,
                              const Base& base) {
  SIMT_UNROLL
  for (int n = 0; n < Columns / 8; ++n) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int half = e >> 1, column = n * 8 + int(threadIdx.x) % 4 * 2 + (e & 1);
      const float p = simt::exp2_approx(fmaf(s[n].x[e], scale, -base(half, column)));
      s[n].x[e] = seen(half, column) && s[n].x[e] != -INFINITY ? p : -0.0f;
    }
  }
}

// dp becomes ds: p (dp - delta), 0 where nothing is there.
template <int Columns, class Delta>
SIMT_DEVICE void take_score_gradients(simt::accumulator (&dp)[Columns / 8],
                                      const simt::accumulator (&p)[Columns / 8],
                                      const Delta& delta) {
  SIMT_UNROLL
  for (int n = 0; n < Columns / 8; ++n) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int half = e >> 1, column = n * 8 + int(threadIdx.x) % 4 * 2 + (e & 1);
      const float ds = p[n].x[e] * (dp[n].x[e] - delta(half, column));
      dp[n].x[e] = simt::bits_of(p[n].x[e]) == 0x80000000u ? 0.0f : ds;
    }
  }
}

// Stores a warp's 16 rows, times `scale`.
template <int Width, class Half>
SIMT_DEVICE void store_gradients(const head_rows<Half>& to, int batch, int head, int first,
                                 int past, const simt::accumulator (&sums)[Width / 8],
                                 float scale) {
  const int lane = int(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int h = 0; h < 2; ++h) {
    const int row = first + lane / 4 + 8 * h;
    if (row >= past) continue;
    const auto words = simt::view<std::uint32_t>(to.at(batch, row, head));
    SIMT_UNROLL
    for (int n = 0; n < Width / 8; ++n)
      words[n * 4 + lane % 4] =
          simt::pack<Half>(sums[n].x[2 * h] * scale, sums[n].x[2 * h + 1] * scale);
  }
}

// Brings in queries [first, ...) of a head, their gradients from above and their statistics.
template <int Width, class Half>
SIMT_DEVICE void start_queries(const attention_gradient_problem<Half>& p, int stage, int batch,
                               int head, int first, key_span live) {
  using memory = gradient_memory<Width>;
  constexpr int k_columns = memory::k_columns;
  start_tile<Width, k_columns>(memory::template tile<Half>(0, stage), p.q, batch, head, first,
                               live);
  start_tile<Width, k_columns>(memory::template tile<Half>(1, stage), p.grad, batch, head, first,
                               live);
  if (int(threadIdx.x) >= k_columns) return;
  const int query = first + int(threadIdx.x);
  const bool alive = holds(live, query);
  const std::int64_t row = alive ? p.size.row_at(batch, head, query) : 0;
  memory::statistics(0, stage)[int(threadIdx.x)] = alive ? exponent_base(p.lse[row]) : INFINITY;
  memory::statistics(1, stage)[int(threadIdx.x)] = alive ? p.deltas[row] : 0.0f;
}

// A warp's sums over queries, of 16 keys.
template <int Width>
struct key_sums {
  simt::accumulator dk[Width / 8] = {}, dv[Width / 8] = {};
};

// Adds what is infinite or NaN in a tile's gradients from above to the keys whose queries have it:
// seers(half, query) of the lane's first key and the one 8 behind it.
template <int Width, class Half, class Seers>
SIMT_DEVICE void add_beyond(key_sums<Width>& sums, const attention_gradient_problem<Half>& p,
                            int batch, int head, int first, const Seers& seers) {
  const int t = int(threadIdx.x) % 4;
  for (int query = first; query < first + k_gradient_columns<Width>; ++query) {
    const bool seen[2] = {seers(0, query), seers(1, query)};
    if (!seen[0] && !seen[1]) continue;
    const auto grad = p.grad.at(batch, query, head);
    SIMT_UNROLL
    for (int n = 0; n < Width / 8; ++n) {
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e) {
        const Half value = grad[n * 8 + t * 2 + (e & 1)];
        if (seen[e >> 1] && is_beyond<Half>(simt::bits_of_half(value)))
          sums.dv[n].x[e] += simt::to_float(value);
      }
    }
  }
}

// What a block of keys does with the gradients of a tile's scores besides: nothing, for there is a
// pass over queries. attention_gradient_atomic.cuh has another.
struct keys_alone {
  template <int Width>
  static constexpr std::size_t k_bytes = gradient_memory<Width>::k_bytes;

  template <int Width, class Half>
  SIMT_DEVICE void start(int, const batch_mask&) {}
  template <int Width, class Half>
  SIMT_DEVICE void take(const simt::accumulator (&)[gradient_memory<Width>::k_columns / 8],
                        const attention_gradient_problem<Half>&, int, int, int, bool) const {}
};

// What a warp knows of its rows: the lane's first key and which queries see it and the one 8
// behind it.
struct gradient_keys {
  int key;
  key_span seers[2];
};

// One tile of queries, already in place, from query `first` on.
template <int Width, class Half, class Besides>
SIMT_DEVICE void take_queries(key_sums<Width>& sums, const attention_gradient_problem<Half>& p,
                              const gradient_keys& of, int stage, int batch, int head, int first,
                              bool partial, const Besides& besides) {
  using memory = gradient_memory<Width>;
  constexpr int k_columns = memory::k_columns;
  const int rows = int(threadIdx.x) / 32 * k_mma_warp_rows;
  const auto queries = memory::template tile<Half>(0, stage),
             gradients = memory::template tile<Half>(1, stage);
  const auto bases = memory::statistics(0, stage), deltas = memory::statistics(1, stage);
  const auto seen = [&](int half, int column) {
    return !partial || holds(of.seers[half], first + column);
  };
  const head_bias<Half> bias = p.bias.of(head);
  simt::accumulator weights[k_columns / 8] = {}, ds[k_columns / 8] = {};
  multiply_rows<Width, k_columns>(weights, memory::template own<Half>(0), rows, queries);
  if (bias.adds())
    add_biases<k_columns>(
        weights, p.scale,
        [&](int half, int column) {
          const int query = first + column;
          return holds(of.seers[half], query) ? bias.of(query, of.key + 8 * half) : -INFINITY;
        },
        k_least_score);
  else
    raise_scores<k_columns>(weights);
  take_weights<k_columns>(weights, bias.adds() ? 1.0f : p.scale, seen,
                          [&](int, int column) { return bases[column]; });
  multiply_rows<Width, k_columns>(ds, memory::template own<Half>(1), rows, gradients);
  take_score_gradients<k_columns>(ds, weights, [&](int, int column) { return deltas[column]; });
  if (partial && clear_tile<Width, k_columns>(queries, gradients))
    add_beyond(sums, p, batch, head, first, [&](int half, int query) {
      return holds(of.seers[half], query) && !bias.hides(query, of.key + 8 * half);
    });
  multiply_weights<Width, k_columns>(sums.dv, weights, gradients);
  multiply_weights<Width, k_columns>(sums.dk, ds, queries);
  besides.template take<Width, Half>(ds, p, batch, head, first, partial);
}

// Queries that see any key of [first, past), and those that see all of them.
SIMT_DEVICE tile_spans seers_of_tile(const batch_mask& mask, int first, int past) {
  // Spans begin and end later from key to key, up to the length.
  const int last = (past < mask.length ? past : mask.length) - 1;
  if (last < first) return {};
  const key_span low = mask.seers(first), high = mask.seers(last);
  return {{low.first, high.last}, {high.first, last == past - 1 ? low.last : 0}};
}

// A block 64 keys of a head, the first keys first: under a causal mask most queries see those.
template <int Width, class Half, class Besides>
__global__ void __launch_bounds__(k_mma_threads)
    attention_key_gradients_mma(attention_gradient_problem<Half> p, float out_scale,
                                Besides besides) {
  using memory = gradient_memory<Width>;
  constexpr int k_columns = memory::k_columns;
  const unsigned matrices = unsigned(p.size.batch * p.size.heads);
  const int matrix = int(blockIdx.x % matrices),
            first_key = int(blockIdx.x / matrices) * k_mma_tile;
  const int batch = matrix / p.size.heads, key_head = matrix % p.size.heads;
  const int past_keys = first_key + k_mma_tile < p.size.keys ? first_key + k_mma_tile : p.size.keys;
  const batch_mask mask = p.mask.of(batch);
  const tile_spans spans = seers_of_tile(mask, first_key, past_keys);
  const int rows = int(threadIdx.x) / 32 * k_mma_warp_rows;
  const int key = first_key + rows + int(threadIdx.x) % 32 / 4;
  const gradient_keys of{key, {mask.seers(key), mask.seers(key + 8)}};
  key_sums<Width> sums;
  // Over the query heads that share the keys, and the tiles of each.
  const int begin = spans.live.first - spans.live.first % k_columns;
  const int tiles =
      begin < spans.live.last ? (spans.live.last - begin + k_columns - 1) / k_columns : 0;
  const int steps = tiles * p.size.group;
  const auto query_of = [&](int step) { return begin + step % tiles * k_columns; };
  const auto from = [&](int step) {
    return p.bias.first.next_live(step, steps, 1, [&](int each) {
      return pair_place{query_of(each), first_key};
    });
  };
  const auto start = [&](int stage, int step) {
    start_queries<Width>(p, stage, batch, key_head * p.size.group + step / tiles, query_of(step),
                         spans.live);
  };
  const int first_step = from(0);
  if (first_step < steps) {
    start_tile<Width>(memory::template own<Half>(0), p.k, batch, key_head, first_key,
                      {0, past_keys});
    start_tile<Width>(memory::template own<Half>(1), p.v, batch, key_head, first_key,
                      {0, past_keys});
    start(0, first_step);
  }
  simt::cp_async_commit();
  for (int step = first_step, stage = 0; step < steps; stage ^= 1) {
    const int next = from(step + 1);
    if (next < steps) start(1 - stage, next);
    simt::cp_async_commit();
    simt::cp_async_wait_group<1>();
    __syncthreads();  // everybody's part of the tile has landed
    if (step == first_step) besides.template start<Width, Half>(first_key, mask);
    const int first = query_of(step);
    const bool partial = p.bias.first.hides_some() || past_keys < first_key + k_mma_tile ||
                         first < spans.common.first || first + k_columns > spans.common.last;
    take_queries<Width>(sums, p, of, stage, batch, key_head * p.size.group + step / tiles, first,
                        partial, besides);
    __syncthreads();  // everybody is done with the tile, whose place the next but one takes
    step = next;
  }
  store_gradients<Width>(p.dk, batch, key_head, first_key + rows, past_keys, sums.dk, out_scale);
  store_gradients<Width>(p.dv, batch, key_head, first_key + rows, past_keys, sums.dv, 1.0f);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
