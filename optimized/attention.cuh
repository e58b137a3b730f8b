// Flash attention in fp32, to be read: Algorithm 6 of the lectures this project follows,
// FlashAttention 2's forward pass (Dao 2023, algorithm 1). A block takes a tile of queries and
// walks over the tiles of keys that any of them sees; the scores of a tile live in shared memory
// for as long as the tile does. Of a row, three things are carried from tile to tile:
//
//   m   the largest score so far
//   l   the sum of e^(s - m) so far
//   o   the sum of e^(s - m) v so far
//
// and when m grows, l and o are rescaled by e^(m_old - m_new). At the end o / l is the output, and
// m + log l its log-sum-exp.
#pragma once

#include "optimized/attention_rows.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/log1p.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_simple_tile = 32;  // queries of a block, and keys of a tile
inline constexpr int k_simple_lanes = 4;  // threads that share a query
inline constexpr int k_simple_threads = k_simple_tile * k_simple_lanes;
inline constexpr int k_simple_width = 128;                               // of the widest head
inline constexpr int k_simple_weights = k_simple_tile + k_simple_lanes;  // a row of weights

// Queries, keys and values of a tile, and its weights. Rows are longer than they need be, by one
// element and by four: what a warp touches at once, in the rows of its eight queries, lies in
// different banks.
inline std::size_t simple_shared_bytes(int width) {
  return std::size_t(3 * k_simple_tile * (width + 1) + k_simple_tile * k_simple_weights) * 4;
}

// Rows [first, first + 32) of a head into shared memory; those outside [low, high) are zeros and
// are not read.
SIMT_DEVICE void load_simple_tile(simt::shared<float> to, const head_rows<const float>& from,
                                  int batch, int head, int first, key_span live, int width) {
  for (int i = int(threadIdx.x); i < k_simple_tile * width; i += k_simple_threads) {
    const int row = i / width, token = first + row;
    float value = 0;
    if (holds(live, token)) value = from.at(batch, token, head)[i % width];
    to[row * (width + 1) + i % width] = value;
  }
}

// What the four threads of a query hold of it; each has its own share of l.
template <int Columns>
struct simple_row {
  float m = -INFINITY, l = 0;
  float o[Columns] = {};  // columns lane + 4 c
};

// The maximum over the four threads of a query.
SIMT_DEVICE float query_max(float x) {
  x = simt::max_nan(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return simt::max_nan(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

// Scores of keys lane, lane + 4, ... of the tile; -infinity where they are not there for the query.
SIMT_DEVICE void simple_scores(float (&s)[k_simple_tile / k_simple_lanes], simt::shared<float> q,
                               simt::shared<float> keys, const head_bias<float>& bias, int query,
                               int first, key_span seen, int width, float scale) {
  const int lane = int(threadIdx.x) % k_simple_lanes;
  SIMT_UNROLL
  for (int i = 0; i < k_simple_tile / k_simple_lanes; ++i) {
    const int j = lane + k_simple_lanes * i;
    float dot = 0;
    for (int d = 0; d < width; ++d) dot = fmaf(q[d], keys[j * (width + 1) + d], dot);
    float more = holds(seen, first + j) ? 0.0f : -INFINITY;
    if (bias.adds() && more == 0.0f) more = bias.of(query, first + j);
    s[i] = more == -INFINITY ? more : fmaf(dot, scale, more);
  }
}

inline constexpr float k_gone = -1;  // the weight of a key that is not there

// Takes a tile's scores into the row: rescales, and leaves the weights for the other threads.
template <int Columns>
SIMT_DEVICE void take_scores(simple_row<Columns>& row,
                             const float (&s)[k_simple_tile / k_simple_lanes],
                             simt::shared<float> weights) {
  float m = row.m;
  SIMT_UNROLL
  for (const float each : s) m = simt::max_nan(m, each);
  m = query_max(m);
  const float factor = m == row.m ? 1.0f : math::exp(row.m - m);
  row.m = m;
  row.l *= factor;
  SIMT_UNROLL
  for (float& each : row.o) each *= factor;
  const int lane = int(threadIdx.x) % k_simple_lanes;
  SIMT_UNROLL
  for (int i = 0; i < k_simple_tile / k_simple_lanes; ++i) {
    const bool gone = s[i] == -INFINITY;
    const float p = gone ? 0.0f : math::exp(s[i] - m);
    row.l += p;
    weights[lane + k_simple_lanes * i] = gone ? k_gone : p;
  }
}

// Adds the tile's values, weighted, to the columns of this thread. A value that is not there is not
// touched: 0 times infinity would be seen.
template <int Columns>
SIMT_DEVICE void take_values(simple_row<Columns>& row, simt::shared<float> weights,
                             simt::shared<float> values, int width) {
  const int lane = int(threadIdx.x) % k_simple_lanes;
  for (int j = 0; j < k_simple_tile; ++j) {
    const float p = weights[j];
    if (p == k_gone) continue;
    SIMT_UNROLL
    for (int c = 0; c < Columns; ++c) {
      const int d = lane + k_simple_lanes * c;
      if (d < width) row.o[c] = fmaf(p, values[j * (width + 1) + d], row.o[c]);
    }
  }
}

template <int Columns>
SIMT_DEVICE void store_simple_row(const attention_problem<float>& p, simple_row<Columns>& row,
                                  int batch, int head, int query) {
  const int lane = int(threadIdx.x) % k_simple_lanes;
  row.l += __shfl_xor_sync(0xffffffffu, row.l, 1);
  row.l += __shfl_xor_sync(0xffffffffu, row.l, 2);
  if (query >= p.size.queries) return;
  const bool any = row.m != -INFINITY;
  const float inverse = any ? 1.0f / row.l : 0.0f;
  const auto o = p.o.at(batch, query, head);
  SIMT_UNROLL
  for (int c = 0; c < Columns; ++c)
    if (lane + k_simple_lanes * c < p.size.width) o[lane + k_simple_lanes * c] = row.o[c] * inverse;
  if (lane == 0)
    p.lse[p.size.row_at(batch, head, query)] = any ? row.m + math::log1p(row.l - 1.0f) : -INFINITY;
}

// A block a tile of queries of one head, the last tile first: under a causal mask it is the
// longest. Width at most 4 Columns. (The 1: left to itself, ptxas 13.0 spills to fit more blocks.)
template <int Columns>
__global__ void __launch_bounds__(k_simple_threads, 1)
    attention_flash_simple(attention_problem<float> p) {
  const int width = p.size.width, heads = p.size.query_heads();
  const int tiles = (p.size.queries + k_simple_tile - 1) / k_simple_tile;
  const int tile = tiles - 1 - int(blockIdx.x / unsigned(p.size.batch * heads));
  const int matrix = int(blockIdx.x % unsigned(p.size.batch * heads));
  const int batch = matrix / heads, head = matrix % heads;
  const int first_query = tile * k_simple_tile;
  const int last_query =
      first_query + k_simple_tile < p.size.queries ? first_query + k_simple_tile : p.size.queries;
  const std::size_t elements = std::size_t(k_simple_tile) * std::size_t(width + 1);
  const auto queries = simt::dynamic_shared<float>(0, elements);
  const auto keys = simt::dynamic_shared<float>(4 * elements, elements);
  const auto values = simt::dynamic_shared<float>(8 * elements, elements);
  const auto weights = simt::dynamic_shared<float>(12 * elements, k_simple_tile * k_simple_weights);
  const int mine = int(threadIdx.x) / k_simple_lanes, query = first_query + mine;
  const batch_mask mask = p.mask.of(batch);
  key_span seen{0, 0};
  if (query < last_query) seen = mask.seen(query);
  // Spans begin and end later from query to query: together they are this one.
  const key_span live{mask.seen(first_query).first, mask.seen(last_query - 1).last};
  load_simple_tile(queries, p.q, batch, head, first_query, {0, p.size.queries}, width);
  const head_bias<float> bias = p.bias.of(head);
  simple_row<Columns> row;
  for (int first = live.first - live.first % k_simple_tile; first < live.last;
       first += k_simple_tile) {
    if (bias.is_dead(first_query, first)) continue;
    load_simple_tile(keys, p.k, batch, head / p.size.group, first, live, width);
    load_simple_tile(values, p.v, batch, head / p.size.group, first, live, width);
    __syncthreads();  // the tile is there, and so are the queries
    float s[k_simple_tile / k_simple_lanes];
    simple_scores(s, queries + mine * (width + 1), keys, bias, query, first, seen, width, p.scale);
    take_scores(row, s, weights + mine * k_simple_weights);
    __syncwarp();  // a query's weights are those of four threads
    take_values(row, weights + mine * k_simple_weights, values, width);
    __syncthreads();  // everybody is done with the tile, whose place the next one takes
  }
  store_simple_row(p, row, batch, head, query);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
