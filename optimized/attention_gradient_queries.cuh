// Gradients of flash attention on tensor cores, second pass: dq (attention_gradient_mma.cuh).
#pragma once

#include "optimized/attention_gradient_mma.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// What a warp knows of its rows: the lane's first query and the one 8 behind it.
template <class Half>
struct gradient_queries {
  int query;
  key_span seen[2];
  head_bias<Half> bias;
  float bases[2], deltas[2];

  SIMT_DEVICE gradient_queries(const attention_gradient_problem<Half>& p, const batch_mask& mask,
                               int batch, int head, int first, int past)
      : query(first), bias(p.bias.of(head)) {
    SIMT_UNROLL
    for (int h = 0; h < 2; ++h) {
      const bool alive = query + 8 * h < past;
      const std::int64_t row = alive ? p.size.row_at(batch, head, query + 8 * h) : 0;
      seen[h] = seen_before(mask, query + 8 * h, past);
      bases[h] = alive ? exponent_base(p.lse[row]) : INFINITY;
      deltas[h] = alive ? p.deltas[row] : 0.0f;
    }
  }
};

// One tile of keys, already in place, from key `first` on.
template <int Width, class Half>
SIMT_DEVICE void take_keys(simt::accumulator (&sums)[Width / 8],
                           const attention_gradient_problem<Half>& p,
                           const gradient_queries<Half>& of, int stage, int first, bool partial) {
  using memory = gradient_memory<Width>;
  constexpr int k_columns = memory::k_columns;
  const int rows = int(threadIdx.x) / 32 * k_mma_warp_rows;
  const auto keys = memory::template tile<Half>(0, stage),
             values = memory::template tile<Half>(1, stage);
  const auto seen = [&](int half, int column) {
    return !partial || holds(of.seen[half], first + column);
  };
  simt::accumulator weights[k_columns / 8] = {}, ds[k_columns / 8] = {};
  multiply_rows<Width, k_columns>(weights, memory::template own<Half>(0), rows, keys);
  if (of.bias.adds())
    add_biases<k_columns>(
        weights, p.scale,
        [&](int half, int column) {
          const int key = first + column;
          return holds(of.seen[half], key) ? of.bias.of(of.query + 8 * half, key) : -INFINITY;
        },
        k_least_score);
  else
    raise_scores<k_columns>(weights);
  take_weights<k_columns>(weights, of.bias.adds() ? 1.0f : p.scale, seen,
                          [&](int half, int) { return of.bases[half]; });
  multiply_rows<Width, k_columns>(ds, memory::template own<Half>(1), rows, values);
  take_score_gradients<k_columns>(ds, weights, [&](int half, int) { return of.deltas[half]; });
  if (partial) clear_tile<Width, k_columns>(keys);
  multiply_weights<Width, k_columns>(sums, ds, keys);
}

// A block 64 queries of a head, the last first: under a causal mask those see most.
template <int Width, class Half>
__global__ void __launch_bounds__(k_mma_threads)
    attention_query_gradients_mma(attention_gradient_problem<Half> p, float out_scale) {
  using memory = gradient_memory<Width>;
  constexpr int k_columns = memory::k_columns;
  const mma_place at = place_of_block(p.size);
  const int key_head = at.head / p.size.group;
  const int past_queries =
      at.first_query + k_mma_tile < p.size.queries ? at.first_query + k_mma_tile : p.size.queries;
  const batch_mask mask = p.mask.of(at.batch);
  const auto [live, common] = seen_of_tile(mask, at.first_query, past_queries);
  const int first_row = at.first_query + int(threadIdx.x) / 32 * k_mma_warp_rows;
  const gradient_queries<Half> of(p, mask, at.batch, at.head, first_row + int(threadIdx.x) % 32 / 4,
                                  past_queries);
  const auto from = [&](int tile) {
    return of.bias.next_live(tile, live.last, k_columns, [&](int key) {
      return pair_place{at.first_query, key};
    });
  };
  const auto start_keys = [&](int stage, int first) {
    start_tile<Width, k_columns>(memory::template tile<Half>(0, stage), p.k, at.batch, key_head,
                                 first, live);
    start_tile<Width, k_columns>(memory::template tile<Half>(1, stage), p.v, at.batch, key_head,
                                 first, live);
  };
  simt::accumulator sums[Width / 8] = {};
  int first = from(live.first - live.first % k_columns);
  if (first < live.last) {
    start_tile<Width>(memory::template own<Half>(0), p.q, at.batch, at.head, at.first_query,
                      {0, past_queries});
    start_tile<Width>(memory::template own<Half>(1), p.grad, at.batch, at.head, at.first_query,
                      {0, past_queries});
    start_keys(0, first);
  }
  simt::cp_async_commit();
  for (int stage = 0; first < live.last; stage ^= 1) {
    const int next = from(first + k_columns);
    if (next < live.last) start_keys(1 - stage, next);
    simt::cp_async_commit();
    simt::cp_async_wait_group<1>();
    __syncthreads();  // everybody's part of the tile has landed
    const bool partial =
        of.bias.hides_some() || first < common.first || first + k_columns > common.last;
    take_keys<Width>(sums, p, of, stage, first, partial);
    __syncthreads();  // everybody is done with the tile, whose place the next but one takes
    first = next;
  }
  store_gradients<Width>(p.dq, at.batch, at.head, first_row, past_queries, sums, out_scale);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
