// Gradients of flash attention in one pass (Dao 2023, algorithm 2): the blocks of keys of
// attention_gradient_mma.cuh add their share of dq to sums in memory, in fp32, by atomics. Five
// products of matrices where two passes need seven; but who comes first decides how the sums round.
//
// The gradients of a tile's scores lie in registers with a key a row. Through shared memory they
// come back with a query a row, as the left operand of their product with the keys.
#pragma once

#include "optimized/attention_gradient_mma.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_clear_threads = 256;

// Sums of dq, [batch, query heads, queries, width], contiguous.
template <class T>
__global__ void __launch_bounds__(k_clear_threads)
    attention_clear(attention_gradient_problem<T> p, simt::global<float> sums) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_clear_threads + threadIdx.x;
  if (i < p.size.rows() * p.size.width) sums[i] = 0;
}

// dq of those sums.
template <class T>
__global__ void __launch_bounds__(k_clear_threads)
    attention_round_sums(attention_gradient_problem<T> p, simt::global<const float> sums) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_clear_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.width) return;
  const naive_index at = naive_place(p.size, i, p.size.width);
  p.dq.at(at.batch, at.query, at.head)[at.column] = simt::from_float<T>(sums[i] * p.scale);
}

// What a block of keys does for dq.
struct adds_to_queries {
  simt::global<float> sums;
  // Of this block: its first key, and whether its keys hold what 0 may not be multiplied with.
  int first_key = 0;
  bool beyond = false;
  batch_mask mask = {};

  template <int Width>
  static constexpr std::size_t k_bytes =
      gradient_memory<Width>::k_bytes + 2 * mma_tile<gradient_memory<Width>::k_columns>::k_elements;

  template <int Width, class Half>
  SIMT_DEVICE void start(int first, const batch_mask& seen_by) {
    first_key = first;
    mask = seen_by;
    beyond = __syncthreads_or(holds_beyond<Width>(gradient_memory<Width>::template own<Half>(0)));
  }

  // The tile of ds, a row a key.
  template <int Width, class Half>
  SIMT_DEVICE static simt::shared<Half> scores() {
    using tile = mma_tile<gradient_memory<Width>::k_columns>;
    return simt::dynamic_shared<Half>(gradient_memory<Width>::k_bytes, tile::k_elements);
  }

  template <int Width, class Half>
  SIMT_DEVICE void take(const simt::accumulator (&ds)[gradient_memory<Width>::k_columns / 8],
                        const attention_gradient_problem<Half>& p, int batch, int head, int first,
                        bool partial) const {
    constexpr int k_columns = gradient_memory<Width>::k_columns;
    // Warps: k_columns / 16 groups of queries, and the columns of dq in as many parts as there are
    // warps for.
    constexpr int k_groups = k_columns / 16, k_width = Width / (4 / k_groups);
    const int warp = int(threadIdx.x) / 32;
    const int rows = warp % k_groups * 16, column = warp / k_groups * k_width;
    store_scores<Width, Half>(ds);
    __syncthreads();  // all keys' gradients are there
    // A part of the columns at a time: all their sums do not fit beside those of dk and dv.
    constexpr int k_part = k_width % 32 == 0 ? 32 : k_width;
    for (int part = 0; part < k_width; part += k_part) {
      simt::accumulator dq[k_part / 8] = {};
      if (partial && beyond)
        multiply_seen<Width, Half>(dq, p.bias.of(head), rows, column + part, first);
      else
        multiply<Width, Half>(dq, rows, column + part);
      add_sums<Width>(dq, p.size, batch, head, first + rows, column + part);
    }
  }

 private:
  // Adds 16 rows to the sums in memory, 8 Parts columns of them.
  template <int Width, int Parts>
  SIMT_DEVICE void add_sums(const simt::accumulator (&dq)[Parts], const attention_size& size,
                            int batch, int head, int first, int column) const {
    const int lane = int(threadIdx.x) % 32;
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int query = first + lane / 4 + 8 * (e >> 1);
      if (query >= size.queries) continue;
      const auto to = sums + size.row_at(batch, head, query) * Width + column;
      SIMT_UNROLL
      for (int n = 0; n < Parts; ++n) atomicAdd(&to[n * 8 + lane % 4 * 2 + (e & 1)], dq[n].x[e]);
    }
  }

  template <int Width, class Half>
  SIMT_DEVICE static void store_scores(
      const simt::accumulator (&ds)[gradient_memory<Width>::k_columns / 8]) {
    constexpr int k_columns = gradient_memory<Width>::k_columns;
    const int lane = int(threadIdx.x) % 32,
              key = int(threadIdx.x) / 32 * k_mma_warp_rows + lane / 4;
    const auto words = simt::view<std::uint32_t>(scores<Width, Half>());
    SIMT_UNROLL
    for (int n = 0; n < k_columns / 8; ++n) {
      SIMT_UNROLL
      for (int h = 0; h < 2; ++h)
        words[mma_tile<k_columns>::place(key + 8 * h, n) / 2 + lane % 4] =
            simt::pack<Half>(ds[n].x[2 * h], ds[n].x[2 * h + 1]);
    }
  }

  // 16 queries from `rows` on, times the keys' columns from `column` on.
  template <int Width, class Half, int Parts>
  SIMT_DEVICE static void multiply(simt::accumulator (&dq)[Parts], int rows, int column) {
    constexpr int k_columns = gradient_memory<Width>::k_columns;
    const int lane = int(threadIdx.x) % 32;
    const auto ds = scores<Width, Half>();
    const auto keys = gradient_memory<Width>::template own<Half>(0);
    SIMT_UNROLL
    for (int kk = 0; kk < k_mma_tile / 16; ++kk) {
      const int key = kk * 16 + (lane >> 4) * 8 + (lane & 7);
      const auto left =
          simt::ldmatrix_trans<4>(&ds[mma_tile<k_columns>::place(key, rows / 8 + (lane >> 3 & 1))]);
      SIMT_UNROLL
      for (int nn = 0; nn < Parts / 2; ++nn) {
        const auto f = simt::ldmatrix_trans<4>(&keys[mma_tile<Width>::place(
            kk * 16 + (lane & 15), column / 8 + nn * 2 + (lane >> 4))]);
        simt::mma_m16n8k16<Half>(dq[2 * nn], left, simt::fragment<2>{{f.x[0], f.x[1]}});
        simt::mma_m16n8k16<Half>(dq[2 * nn + 1], left, simt::fragment<2>{{f.x[2], f.x[3]}});
      }
    }
  }

  // The same of the keys that each query sees, one by one: 0 times infinity or NaN would be seen.
  template <int Width, class Half, int Parts>
  SIMT_DEVICE void multiply_seen(simt::accumulator (&dq)[Parts], const head_bias<Half>& bias,
                                 int rows, int column, int first) const {
    constexpr int k_columns = gradient_memory<Width>::k_columns;
    const int lane = int(threadIdx.x) % 32;
    const auto ds = scores<Width, Half>();
    const auto keys = gradient_memory<Width>::template own<Half>(0);
    for (int key = 0; key < k_mma_tile; ++key) {
      const key_span seers = mask.seers(first_key + key);
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e) {
        const int query = rows + lane / 4 + 8 * (e >> 1);
        if (!holds(seers, first + query) || bias.hides(first + query, first_key + key)) continue;
        const Half by = ds[mma_tile<k_columns>::place(key, query / 8) + query % 8];
        SIMT_UNROLL
        for (int n = 0; n < Parts; ++n) {
          const Half x = keys[mma_tile<Width>::place(key, column / 8 + n) + lane % 4 * 2 + (e & 1)];
          dq[n].x[e] = fmaf(simt::to_float(by), simt::to_float(x), dq[n].x[e]);
        }
      }
    }
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
