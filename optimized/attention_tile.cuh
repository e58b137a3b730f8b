// Tiles of 16-bit rows in shared memory, as tensor cores want them: how they are laid out, brought
// in by cp.async, and looked through for what is no number.
#pragma once

#include "optimized/attention_rows.cuh"

#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_mma_tile = 64;  // queries of a block, and keys of a tile
inline constexpr int k_mma_threads = 128;
inline constexpr int k_mma_warp_rows = 16;  // queries of a warp

// 64 rows of Width elements, in chunks of 8 (16 bytes). ldmatrix reads the same chunk of eight
// neighbouring rows at once, which must lie in different banks: rows are a multiple of 64 bytes
// long, so without more they would not. The chunks of a row are exchanged by its number.
template <int Width>
struct mma_tile {
  static_assert(Width % 32 == 0);
  static constexpr int k_chunks = Width / 8;
  static constexpr int k_elements = k_mma_tile * Width;

  // Where chunk `chunk` of row `row` begins.
  SIMT_DEVICE static int place(int row, int chunk) {
    const int by = k_chunks % 8 == 0 ? row & 7 : (row >> 1) & 3;
    return row * Width + ((chunk ^ by) << 3);
  }
};

// Starts copying rows [first, first + 64) of a head; those outside [live.first, live.last) become
// zeros and are not read.
template <int Width, class Half>
SIMT_DEVICE void start_tile(simt::shared<Half> to, const head_rows<const Half>& from, int batch,
                            int head, int first, key_span live) {
  using tile = mma_tile<Width>;
  for (int i = int(threadIdx.x); i < k_mma_tile * tile::k_chunks; i += k_mma_threads) {
    const int row = i / tile::k_chunks, chunk = i % tile::k_chunks, token = first + row;
    const bool alive = token >= live.first && token < live.last;
    const auto source = from.at(batch, alive ? token : live.first, head) + chunk * 8;
    simt::cp_async<16>(&to[tile::place(row, chunk)], &source[0], alive ? 16 : 0);
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
template <int Width, class Half>
SIMT_DEVICE bool holds_beyond(simt::shared<Half> tile) {
  bool found = false;
  for (int i = int(threadIdx.x); i < k_mma_tile * mma_tile<Width>::k_chunks; i += k_mma_threads) {
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
template <int Width, class Half>
SIMT_DEVICE void clear_beyond(simt::shared<Half> tile) {
  for (int i = int(threadIdx.x); i < k_mma_tile * Width; i += k_mma_threads) {
    const Half each = tile[i];
    if (is_beyond<Half>(simt::bits_of_half(each))) tile[i] = simt::half_of<Half>(0);
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
