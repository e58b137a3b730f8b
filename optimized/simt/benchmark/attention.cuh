// Causal attention forward in the manner of FlashAttention 2: online softmax over tiles of 64 keys,
// which cp.async brings in while the previous tile is worked on.
//
// q, k, v [heads, T, 64] bf16, o [heads, T, 64] fp32; T a multiple of 64; grid (T / 64, heads), 128
// threads, k_attention_shared bytes of dynamic shared memory.
#pragma once

#include "optimized/simt/simt.cuh"

#include <cmath>

namespace assay::simt::inline ASSAY_BUILD {

inline constexpr int k_tile = 64;  // rows of a tile, and the width of a head
inline constexpr int k_tile_elements = k_tile * k_tile;
inline constexpr int k_attention_threads = 128;
inline constexpr std::size_t k_attention_shared =
    5 * k_tile_elements * sizeof(bf16);  // Q, 2 K, 2 V

// Where 8 elements from column 8 CHUNK of ROW lie in a tile: rows of 128 bytes would put every
// row's chunk into the same banks, so the chunks of row r are permuted by r.
SIMT_DEVICE int swizzled(int row, int chunk) { return row * k_tile + ((chunk ^ (row & 7)) << 3); }

SIMT_DEVICE void start_tile(shared<bf16> to, global<const bf16> from) {
  for (int i = static_cast<int>(threadIdx.x); i < k_tile * 8; i += k_attention_threads) {
    cp_async<16>(&to[swizzled(i / 8, i % 8)], &from[i * 8]);
  }
}

// The state of a lane: two rows, g and g + 8 of its warp's 16, of which it holds columns 8 n + 2 t
// and the next (g = lane / 4, t = lane % 4).
struct attention_rows {
  accumulator output[8];
  float maximum[2];
  float sum[2];  // over this lane's columns
};

// Scores of the warp's 16 queries against a tile's 64 keys.
SIMT_DEVICE void score(accumulator (&scores)[8], const fragment<4> (&queries)[4], shared<bf16> keys,
                       int lane) {
  for (int kk = 0; kk < 4; ++kk) {
    for (int nn = 0; nn < 4; ++nn) {  // two tiles of 8 keys
      const int row = nn * 16 + (lane & 7) + ((lane >> 4) << 3);
      const fragment<4> f = ldmatrix<4>(&keys[swizzled(row, kk * 2 + ((lane >> 3) & 1))]);
      mma_m16n8k16<bf16>(scores[2 * nn], queries[kk], fragment<2>{{f.x[0], f.x[1]}});
      mma_m16n8k16<bf16>(scores[2 * nn + 1], queries[kk], fragment<2>{{f.x[2], f.x[3]}});
    }
  }
}

SIMT_DEVICE void mask_future(accumulator (&scores)[8], int row, int t) {
  for (int n = 0; n < 8; ++n) {
    for (int e = 0; e < 4; ++e) {
      if (n * 8 + t * 2 + (e & 1) > row + (e >> 1) * 8) scores[n].x[e] = -INFINITY;
    }
  }
}

// Turns scores into weights, and what was summed up so far into the new maximum's units.
SIMT_DEVICE void rescale(attention_rows& rows, accumulator (&scores)[8], float scale) {
  float maximum[2] = {rows.maximum[0], rows.maximum[1]};
  for (int n = 0; n < 8; ++n) {
    for (int e = 0; e < 4; ++e) maximum[e >> 1] = fmaxf(maximum[e >> 1], scores[n].x[e]);
  }
  for (int h = 0; h < 2; ++h) {
    maximum[h] = fmaxf(maximum[h], __shfl_xor_sync(k_full_warp, maximum[h], 1));
    maximum[h] = fmaxf(maximum[h], __shfl_xor_sync(k_full_warp, maximum[h], 2));
    const float factor = exp2f((rows.maximum[h] - maximum[h]) * scale);
    rows.maximum[h] = maximum[h];
    rows.sum[h] *= factor;
    for (int n = 0; n < 8; ++n) {
      rows.output[n].x[2 * h] *= factor;
      rows.output[n].x[2 * h + 1] *= factor;
    }
  }
  for (int n = 0; n < 8; ++n) {
    for (int e = 0; e < 4; ++e) {
      scores[n].x[e] = exp2f((scores[n].x[e] - maximum[e >> 1]) * scale);
      rows.sum[e >> 1] += scores[n].x[e];
    }
  }
}

// Adds the tile's values, weighted.
SIMT_DEVICE void accumulate(attention_rows& rows, const accumulator (&weights)[8],
                            shared<bf16> values, int lane) {
  for (int kk = 0; kk < 4; ++kk) {
    const accumulator& low = weights[2 * kk];
    const accumulator& high = weights[2 * kk + 1];
    const fragment<4> p{{pack<bf16>(low.x[0], low.x[1]), pack<bf16>(low.x[2], low.x[3]),
                         pack<bf16>(high.x[0], high.x[1]), pack<bf16>(high.x[2], high.x[3])}};
    for (int nn = 0; nn < 4; ++nn) {
      const int row = kk * 16 + (lane & 15);
      const fragment<4> f = ldmatrix_trans<4>(&values[swizzled(row, nn * 2 + (lane >> 4))]);
      mma_m16n8k16<bf16>(rows.output[2 * nn], p, fragment<2>{{f.x[0], f.x[1]}});
      mma_m16n8k16<bf16>(rows.output[2 * nn + 1], p, fragment<2>{{f.x[2], f.x[3]}});
    }
  }
}

// Divides by the sums, and stores the warp's 16 rows.
SIMT_DEVICE void store(attention_rows& rows, global<float> out, int lane) {
  for (int h = 0; h < 2; ++h) {
    rows.sum[h] += __shfl_xor_sync(k_full_warp, rows.sum[h], 1);
    rows.sum[h] += __shfl_xor_sync(k_full_warp, rows.sum[h], 2);
  }
  for (int n = 0; n < 8; ++n) {
    for (int e = 0; e < 4; ++e) {
      const int row = lane / 4 + (e >> 1) * 8, column = n * 8 + (lane % 4) * 2 + (e & 1);
      out[row * k_tile + column] = rows.output[n].x[e] / rows.sum[e >> 1];
    }
  }
}

// SCALE is log2(e) / sqrt(64).
__global__ void __launch_bounds__(k_attention_threads)
    attention_causal(global<const bf16> q, global<const bf16> k, global<const bf16> v,
                     global<float> o, int length, float scale) {
  constexpr std::size_t k_bytes = k_tile_elements * sizeof(bf16);
  const shared<bf16> queries = dynamic_shared<bf16>(0, k_tile_elements);
  const shared<bf16> keys = dynamic_shared<bf16>(k_bytes, 2 * k_tile_elements);
  const shared<bf16> values = dynamic_shared<bf16>(3 * k_bytes, 2 * k_tile_elements);
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  const int last = static_cast<int>(gridDim.x - 1 - blockIdx.x);  // longest first
  const std::ptrdiff_t head = static_cast<std::ptrdiff_t>(blockIdx.y) * length * k_tile;
  start_tile(queries, q + head + last * k_tile_elements);
  start_tile(keys, k + head);
  start_tile(values, v + head);
  cp_async_commit();
  fragment<4> qf[4];
  attention_rows rows{{}, {-INFINITY, -INFINITY}, {0, 0}};
  for (int j = 0; j <= last; ++j) {
    const int now = (j & 1) * k_tile_elements, next = k_tile_elements - now;
    if (j < last) {
      start_tile(keys + next, k + head + (j + 1) * k_tile_elements);
      start_tile(values + next, v + head + (j + 1) * k_tile_elements);
    }
    cp_async_commit();
    cp_async_wait_group<1>();
    __syncthreads();  // everybody's part of tile j has landed
    if (j == 0) {
      for (int kk = 0; kk < 4; ++kk) {
        qf[kk] = ldmatrix<4>(&queries[swizzled(warp * 16 + (lane & 15), kk * 2 + (lane >> 4))]);
      }
    }
    accumulator scores[8] = {};
    score(scores, qf, keys + now, lane);
    if (j == last) mask_future(scores, warp * 16 + lane / 4, lane % 4);
    rescale(rows, scores, scale);
    accumulate(rows, scores, values + now, lane);
    __syncthreads();  // everybody is done with tile j, whose place tile j + 2 takes
  }
  cp_async_wait_group<0>();
  store(rows, o + head + (last * k_tile + warp * 16) * k_tile, lane);
}

}  // namespace assay::simt::inline ASSAY_BUILD
