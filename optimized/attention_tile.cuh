// Tiles of 16-bit rows in shared memory, as tensor cores want them: how they are laid out, brought
// in by cp.async, looked through for what is no number, and multiplied.
#pragma once

#include "optimized/attention_rows.cuh"
#include "optimized/mma_tile.cuh"

#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_mma_tile = 64;  // queries of a block, and keys of a tile
inline constexpr int k_mma_threads = 128;
inline constexpr int k_mma_warp_rows = 16;  // queries of a warp

// What the keys, or queries, of a tile are to those of another: any of them sees one of `live`, all
// of them those of `common`.
struct tile_spans {
  key_span live{0, 0}, common{0, 0};
};
// Of queries [first, past): spans begin and end later from query to query.
SIMT_DEVICE tile_spans seen_of_tile(const batch_mask& mask, int first, int past) {
  const key_span low = mask.seen(first), high = mask.seen(past - 1);
  return {{low.first, high.last}, {high.first, low.last}};
}

// Which tile of which head a block works on; longest first: under a causal mask those are the last.
struct mma_place {
  int batch, head, first_query;
};
SIMT_DEVICE mma_place place_of_block(const attention_size& size) {
  const unsigned matrices = unsigned(size.batch * size.query_heads());
  const int tiles = (size.queries + k_mma_tile - 1) / k_mma_tile;
  const int matrix = int(blockIdx.x % matrices), tile = tiles - 1 - int(blockIdx.x / matrices);
  return {matrix / size.query_heads(), matrix % size.query_heads(), tile * k_mma_tile};
}

// Starts copying rows [first, first + Rows) of a head; those outside [live.first, live.last) become
// zeros and are not read.
template <int Width, int Rows = k_mma_tile, class Half>
SIMT_DEVICE void start_tile(simt::shared<Half> to, const head_rows<const Half>& from, int batch,
                            int head, int first, key_span live) {
  using tile = mma_tile<Width, Rows>;
  for (int i = int(threadIdx.x); i < Rows * tile::k_chunks; i += k_mma_threads) {
    const int row = i / tile::k_chunks, chunk = i % tile::k_chunks, token = first + row;
    const bool alive = holds(live, token);
    const auto source = from.at(batch, alive ? token : live.first, head) + chunk * 8;
    simt::cp_async<16>(&to[tile::place(row, chunk)], &source[0], alive ? 16 : 0);
  }
}

// Scores in the layout of an mma times their scale, plus bias(half, column) log2(e): of a lane's
// row 8 half of its warp's, and a column of the tile. -infinity where that is; `least` stands for a
// sum that is it though its bias is not.
template <int Columns, class Bias>
SIMT_DEVICE void add_biases(simt::accumulator (&s)[Columns / 8], float scale, const Bias& bias,
                            float least = -INFINITY) {
  SIMT_UNROLL
  for (int n = 0; n < Columns / 8; ++n) {
    SIMT_UNROLL
    for (int e = 0; e < 4; ++e) {
      const float more = bias(e >> 1, n * 8 + int(threadIdx.x) % 4 * 2 + (e & 1));
      const float sum = fmaf(s[n].x[e], scale, more * k_float_log2_e);
      s[n].x[e] = more == -INFINITY ? more : sum == -INFINITY ? least : sum;
    }
  }
}

// Infinity or NaN: all bits of the exponent.
template <class Half>
SIMT_DEVICE bool is_beyond(std::uint32_t bits) {
  constexpr std::uint32_t k_exponent = std::is_same_v<Half, simt::bf16> ? 0x7f80u : 0x7c00u;
  return (bits & k_exponent) == k_exponent;
}

SIMT_DEVICE std::uint32_t word_of(const uint4& chunk, int i) {
  return i == 0 ? chunk.x : i == 1 ? chunk.y : i == 2 ? chunk.z : chunk.w;
}

// Does this thread's share of a tile hold something infinite, or a NaN?
template <int Width, int Rows = k_mma_tile, class Half>
SIMT_DEVICE bool holds_beyond(simt::shared<Half> tile) {
  bool found = false;
  for (int i = int(threadIdx.x); i < Rows * mma_tile<Width>::k_chunks; i += k_mma_threads) {
    const uint4 chunk = simt::view<uint4>(tile)[i];
    SIMT_UNROLL
    for (int w = 0; w < 4; ++w) {
      const std::uint32_t word = word_of(chunk, w);
      found = found || is_beyond<Half>(word) || is_beyond<Half>(word >> 16);
    }
  }
  return found;
}

// Makes zeros of what is infinite or NaN in this thread's share of a tile.
template <int Width, int Rows = k_mma_tile, class Half>
SIMT_DEVICE void clear_beyond(simt::shared<Half> tile) {
  for (int i = int(threadIdx.x); i < Rows * Width; i += k_mma_threads) {
    const Half each = tile[i];
    if (is_beyond<Half>(simt::bits_of_half(each))) tile[i] = simt::half_of<Half>(0);
  }
}

// Clears tiles of what is infinite or NaN: 0 times that, in a row that does not see it, would be
// NaN. Whether there was any; if so, all of them are clear.
template <int Width, int Rows, class... Tiles>
SIMT_DEVICE bool clear_tile(const Tiles&... tiles) {
  if (!__syncthreads_or((holds_beyond<Width, Rows>(tiles) || ...))) return false;
  (clear_beyond<Width, Rows>(tiles), ...);
  __syncthreads();  // everybody's share is clear
  return true;
}

// The 16 rows of `left` from `first` on times all rows of `right`: scores, a fragment of 8 columns
// each. A warp's work: of a lane, rows g and g + 8, columns 8 n + 2 t and the next (g = lane / 4,
// t = lane % 4).
template <int Width, int Columns, class Half>
SIMT_DEVICE void multiply_rows(simt::accumulator (&s)[Columns / 8], simt::shared<Half> left,
                               int first, simt::shared<Half> right) {
  const int lane = int(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int kk = 0; kk < Width / 16; ++kk) {
    const auto rows =
        simt::ldmatrix<4>(&left[mma_tile<Width>::place(first + (lane & 15), kk * 2 + (lane >> 4))]);
    SIMT_UNROLL
    for (int nn = 0; nn < Columns / 16; ++nn) {  // two times 8 columns
      const int row = nn * 16 + (lane & 7) + ((lane >> 4) << 3);
      const auto f =
          simt::ldmatrix<4>(&right[mma_tile<Width>::place(row, kk * 2 + (lane >> 3 & 1))]);
      simt::mma_m16n8k16<Half>(s[2 * nn], rows, simt::fragment<2>{{f.x[0], f.x[1]}});
      simt::mma_m16n8k16<Half>(s[2 * nn + 1], rows, simt::fragment<2>{{f.x[2], f.x[3]}});
    }
  }
}

// Adds to `sums`, 16 rows of Width, what `weights` of them, rounded to 16 bits, make of the rows of
// `right`. An mma leaves its results where the next one wants its left operand.
template <int Width, int Columns, class Half>
SIMT_DEVICE void multiply_weights(simt::accumulator (&sums)[Width / 8],
                                  const simt::accumulator (&weights)[Columns / 8],
                                  simt::shared<Half> right) {
  const int lane = int(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int kk = 0; kk < Columns / 16; ++kk) {
    const simt::accumulator &low = weights[2 * kk], &high = weights[2 * kk + 1];
    const simt::fragment<4> rows{
        {simt::pack<Half>(low.x[0], low.x[1]), simt::pack<Half>(low.x[2], low.x[3]),
         simt::pack<Half>(high.x[0], high.x[1]), simt::pack<Half>(high.x[2], high.x[3])}};
    SIMT_UNROLL
    for (int nn = 0; nn < Width / 16; ++nn) {
      const int row = kk * 16 + (lane & 15);
      const auto f =
          simt::ldmatrix_trans<4>(&right[mma_tile<Width>::place(row, nn * 2 + (lane >> 4))]);
      simt::mma_m16n8k16<Half>(sums[2 * nn], rows, simt::fragment<2>{{f.x[0], f.x[1]}});
      simt::mma_m16n8k16<Half>(sums[2 * nn + 1], rows, simt::fragment<2>{{f.x[2], f.x[3]}});
    }
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
