// How the work of a product y [rows, columns] = A B over `inner` terms is divided: in which order
// the terms are added, and who adds them.
//
// The terms of a sum are cut into chunks; each is summed by itself, and then the chunks in their
// order. The length of a chunk follows from `columns` and `inner` alone. Where there are few rows,
// and so few tiles of y, each chunk is a block's work, and a second kernel adds them up; where
// there are many, a block takes all chunks in turn. Which of the two it is, and how large tiles
// are, changes no bit: those of a row do not depend on how many others there are.
#pragma once

#include <algorithm>
#include <cstdint>

namespace assay::optimized {

inline constexpr int k_product_inner_tile = 32;  // terms that are in shared memory at a time
inline constexpr int k_product_least_chunk = 256;
// So many blocks fill a GPU (an H100 or H200 has 132 multiprocessors).
inline constexpr int k_product_blocks = 128;

struct product_chunks {
  int length = 0, count = 1;
};

// One tile of rows makes columns / 128 blocks: as many chunks as make them k_product_blocks, if
// none is shorter than k_product_least_chunk.
inline product_chunks chunks_of(std::int64_t columns, std::int64_t inner) {
  const std::int64_t tiles = std::max<std::int64_t>((columns + 127) / 128, 1);
  const std::int64_t most = std::max<std::int64_t>(inner / k_product_least_chunk, 1);
  const std::int64_t wanted = std::clamp<std::int64_t>(k_product_blocks / tiles, 1, most);
  const std::int64_t each = (inner + wanted - 1) / wanted;
  const std::int64_t length =
      std::max<std::int64_t>((each + k_product_inner_tile - 1) / k_product_inner_tile, 1) *
      k_product_inner_tile;
  return {int(length), int(std::max<std::int64_t>((inner + length - 1) / length, 1))};
}

struct product_plan {
  product_chunks chunks;
  int tile = 64;       // rows and columns of y that are a block's
  bool apart = false;  // each chunk is a block's
  std::int64_t row_tiles = 0, column_tiles = 0;

  std::int64_t blocks() const { return row_tiles * column_tiles * (apart ? chunks.count : 1); }
  // Elements of fp32 of scratch memory.
  std::int64_t parts(std::int64_t rows, std::int64_t columns) const {
    return apart ? chunks.count * rows * columns : 0;
  }
};

// `tile`: 64 or 128, or 0: 128 where those are enough to fill a GPU. Tiles of 128 keep their chunks
// together.
inline product_plan plan_of(std::int64_t rows, std::int64_t columns, std::int64_t inner,
                            int tile = 0) {
  product_plan plan{chunks_of(columns, inner)};
  const auto tiles = [&](std::int64_t extent) { return (extent + plan.tile - 1) / plan.tile; };
  plan.tile = tile == 0 ? 128 : tile;
  if (tile == 0 && tiles(rows) * tiles(columns) < k_product_blocks) plan.tile = 64;
  plan.row_tiles = tiles(rows), plan.column_tiles = tiles(columns);
  plan.apart = plan.tile == 64 && plan.chunks.count > 1 &&
               plan.row_tiles * plan.column_tiles < k_product_blocks;
  return plan;
}

}  // namespace assay::optimized
