// Linear attention by a state (Katharopoulos et al. 2020, algorithm 1, a tile of keys at a time).
// Weights are products of features, so what the keys seen so far have to say to any query fits into
//
//   state   sum_j phi(k_j) v_j^T   [width, width]
//   sums    sum_j phi(k_j)         [width]
//
// and a query's output is phi(q) state / phi(q) sums: work that grows with the length, not with its
// square. A block walks over the tokens of one head of keys, with the state in shared memory, and
// answers all query heads that share it. Without a mask all keys go into the state, and then every
// query is answered. Under a causal mask the state has the keys that every query of a tile sees;
// those of the tile itself, of which each query sees one more than the one before it, meet the
// queries by weights of their own (the chunkwise form: Hua, Dai, Liu, Le, "Transformer Quality in
// Linear Time", ICML 2022, section 3.2), and join the state afterwards. Every tensor is moved once.
#pragma once

#include "optimized/linear_attention_rows.cuh"
#include "optimized/reduce.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_linear_tile = 32;  // queries of a tile, and keys: a lane each
inline constexpr int k_linear_warps = 8;
inline constexpr int k_linear_threads = 32 * k_linear_warps;
inline constexpr int k_linear_rows = k_linear_tile / k_linear_warps;  // queries of a warp
inline constexpr int k_linear_width = 128;                            // of the widest head

// Floats from a row of a tile to the next: odd, so that the elements of a column lie in different
// banks.
SIMT_HOST_DEVICE int linear_stride(int width) { return width | 1; }

struct linear_shared {
  simt::shared<float> queries, keys, values;  // of a tile; of queries and keys the features
  simt::shared<float> weights;                // of a tile's queries and keys
  simt::shared<float> state, sums;
};

inline std::size_t linear_shared_bytes(int width) {
  const std::size_t tile = std::size_t(k_linear_tile) * std::size_t(linear_stride(width));
  return 4 * (3 * tile + k_linear_tile * k_linear_tile + std::size_t(width) * std::size_t(width) +
              std::size_t(width));
}

SIMT_DEVICE linear_shared linear_shared_of(int width) {
  const auto row = std::size_t(width);
  const std::size_t tile = k_linear_tile * std::size_t(linear_stride(width));
  const std::size_t weights = k_linear_tile * k_linear_tile;
  return {simt::dynamic_shared<float>(0, tile),
          simt::dynamic_shared<float>(4 * tile, tile),
          simt::dynamic_shared<float>(8 * tile, tile),
          simt::dynamic_shared<float>(12 * tile, weights),
          simt::dynamic_shared<float>(12 * tile + 4 * weights, row * row),
          simt::dynamic_shared<float>(12 * tile + 4 * weights + 4 * row * row, row)};
}

// Rows [first, first + 32) of a head into shared memory, as they are or their features; those
// outside `live` are zeros and are not read.
template <bool Features, class T>
SIMT_DEVICE void load_linear_tile(simt::shared<float> to, const head_rows<const T>& from, int batch,
                                  int head, int first, key_span live, int width) {
  for (int i = int(threadIdx.x); i < k_linear_tile * width; i += k_linear_threads) {
    const int row = i / width, token = first + row;
    float value = 0;
    if (token >= live.first && token < live.last) {
      value = simt::to_float(from.at(batch, token, head)[i % width]);
      if (Features) value = linear_feature(value);
    }
    to[row * linear_stride(width) + i % width] = value;
  }
}

SIMT_DEVICE void clear_state(const linear_shared& on, int width) {
  for (int i = int(threadIdx.x); i < width * width; i += k_linear_threads) on.state[i] = 0;
  for (int d = int(threadIdx.x); d < width; d += k_linear_threads) on.sums[d] = 0;
}

// Adds the tile's keys and values to the state, in their order. A warp has rows of it, a lane
// columns.
template <int Columns>
SIMT_DEVICE void take_keys(const linear_shared& on, int width) {
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int stride = linear_stride(width);
  for (int d = warp; d < width; d += k_linear_warps) {
    float sum[Columns] = {};
    SIMT_UNROLL
    for (int c = 0; c < Columns; ++c)
      if (lane + 32 * c < width) sum[c] = on.state[d * width + lane + 32 * c];
    for (int j = 0; j < k_linear_tile; ++j) {
      const float key = on.keys[j * stride + d];
      SIMT_UNROLL
      for (int c = 0; c < Columns; ++c)
        if (lane + 32 * c < width)
          sum[c] = fmaf(key, on.values[j * stride + lane + 32 * c], sum[c]);
    }
    SIMT_UNROLL
    for (int c = 0; c < Columns; ++c)
      if (lane + 32 * c < width) on.state[d * width + lane + 32 * c] = sum[c];
  }
  for (int d = int(threadIdx.x); d < width; d += k_linear_threads) {
    float sum = on.sums[d];
    for (int j = 0; j < k_linear_tile; ++j) sum += on.keys[j * stride + d];
    on.sums[d] = sum;
  }
}

// What a warp's queries of a tile, warp, warp + 8, ..., have summed up.
template <int Columns>
struct linear_sums {
  float products[k_linear_rows][Columns] = {};  // columns lane + 32 c
  float weights[k_linear_rows] = {};
};

SIMT_DEVICE int linear_row(int i) { return int(threadIdx.x) / 32 + k_linear_warps * i; }

// What the keys in the state have to say to the queries; of the weights each lane has a part.
template <int Columns>
SIMT_DEVICE void ask_state(linear_sums<Columns>& all, const linear_shared& on, int width) {
  const int lane = int(threadIdx.x) % 32, stride = linear_stride(width);
  for (int d = 0; d < width; ++d) {
    float state[Columns] = {};
    SIMT_UNROLL
    for (int c = 0; c < Columns; ++c)
      if (lane + 32 * c < width) state[c] = on.state[d * width + lane + 32 * c];
    SIMT_UNROLL
    for (int i = 0; i < k_linear_rows; ++i) {
      const float query = on.queries[linear_row(i) * stride + d];
      SIMT_UNROLL
      for (int c = 0; c < Columns; ++c)
        all.products[i][c] = fmaf(query, state[c], all.products[i][c]);
    }
  }
  SIMT_UNROLL
  for (int i = 0; i < k_linear_rows; ++i)
    for (int d = lane; d < width; d += 32)
      all.weights[i] = fmaf(on.queries[linear_row(i) * stride + d], on.sums[d], all.weights[i]);
}

// The same of the keys of the tile, from `begin` to the query's own. What a query does not see is
// not touched: 0 times infinity would be seen.
template <int Columns>
SIMT_DEVICE void ask_tile(linear_sums<Columns>& all, const linear_shared& on, int begin,
                          int width) {
  const int lane = int(threadIdx.x) % 32, stride = linear_stride(width);
  SIMT_UNROLL
  for (int i = 0; i < k_linear_rows; ++i) {
    const int row = linear_row(i);
    float weight = 0;
    if (lane >= begin && lane <= row)
      for (int d = 0; d < width; ++d)
        weight = fmaf(on.queries[row * stride + d], on.keys[lane * stride + d], weight);
    on.weights[row * k_linear_tile + lane] = weight;
    all.weights[i] += weight;
  }
  __syncwarp();  // a query's weights are those of 32 lanes
  SIMT_UNROLL
  for (int i = 0; i < k_linear_rows; ++i)
    for (int j = begin; j <= linear_row(i); ++j) {
      const float weight = on.weights[linear_row(i) * k_linear_tile + j];
      SIMT_UNROLL
      for (int c = 0; c < Columns; ++c)
        if (lane + 32 * c < width)
          all.products[i][c] =
              fmaf(weight, on.values[j * stride + lane + 32 * c], all.products[i][c]);
    }
}

template <int Columns, class T>
SIMT_DEVICE void store_linear_rows(const linear_attention_problem<T>& p,
                                   const linear_sums<Columns>& all, int batch, int head,
                                   int first) {
  const int lane = int(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int i = 0; i < k_linear_rows; ++i) {
    const float weights = warp_sum(all.weights[i]);
    const int query = first + linear_row(i);
    if (query >= p.size.queries) continue;
    // What a query that sees nothing makes of an empty state may be 0 times infinity.
    const bool any = p.mask.seen(query).last > 0;
    const auto o = p.o.at(batch, query, head);
    SIMT_UNROLL
    for (int c = 0; c < Columns; ++c)
      if (lane + 32 * c < p.size.width)
        o[lane + 32 * c] =
            simt::from_float<T>(any ? linear_mean(all.products[i][c], weights) : 0.0f);
  }
}

// A block a head of keys. Width at most 32 Columns.
template <int Columns, bool Causal, class T>
__global__ void __launch_bounds__(k_linear_threads)
    linear_attention_chunked(linear_attention_problem<T> p) {
  const int width = p.size.width, keys = p.size.keys;
  const int batch = int(blockIdx.x) / p.size.heads, head = int(blockIdx.x) % p.size.heads;
  const linear_shared on = linear_shared_of(width);
  clear_state(on, width);
  // Keys that every query sees; under a mask those before the first query's own.
  const int ahead = p.mask.ahead, common = !Causal ? keys : ahead > 0 ? ahead : 0;
  for (int first = 0; first < common; first += k_linear_tile) {
    load_linear_tile<true>(on.keys, p.k, batch, head, first, {0, common}, width);
    load_linear_tile<false>(on.values, p.v, batch, head, first, {0, common}, width);
    __syncthreads();  // the tile is there, and the state
    take_keys<Columns>(on, width);
    __syncthreads();  // everybody is done with the tile, whose place the next one takes
  }
  for (int first = 0; first < p.size.queries; first += k_linear_tile) {
    const int begin = first + ahead < 0 ? -(first + ahead) : 0;  // the tile's first key that is one
    if (Causal) {
      load_linear_tile<true>(on.keys, p.k, batch, head, first + ahead, {0, keys}, width);
      load_linear_tile<false>(on.values, p.v, batch, head, first + ahead, {0, keys}, width);
    }
    for (int g = 0; g < p.size.group; ++g) {
      const int query_head = head * p.size.group + g;
      load_linear_tile<true>(on.queries, p.q, batch, query_head, first, {0, p.size.queries}, width);
      __syncthreads();  // queries and keys are there, and the state
      linear_sums<Columns> all;
      ask_state(all, on, width);
      if (Causal) ask_tile(all, on, begin, width);
      store_linear_rows(p, all, batch, query_head, first);
      __syncthreads();  // everybody is done with the queries, and with the state as it was
    }
    if (!Causal) continue;
    take_keys<Columns>(on, width);
    __syncthreads();  // everybody is done with the keys, whose place the next ones take
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
