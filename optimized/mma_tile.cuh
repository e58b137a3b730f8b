// Tiles of 16-bit rows in shared memory, as ldmatrix reads them without bank conflicts.
#pragma once

#include "optimized/simt/simt.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// Rows of Width elements, in chunks of 8 (16 bytes). ldmatrix reads the same chunk of eight
// neighbouring rows at once, which must lie in different banks: rows are a multiple of 64 bytes
// long, so without more they would not. The chunks of a row are exchanged by its number.
template <int Width, int Rows = 64>
struct mma_tile {
  static_assert(Width % 32 == 0);
  static constexpr int k_rows = Rows, k_width = Width;
  static constexpr int k_chunks = Width / 8;
  static constexpr int k_elements = Rows * Width;

  // Where chunk `chunk` of row `row` begins.
  SIMT_DEVICE static int place(int row, int chunk) {
    const int by = k_chunks % 8 == 0 ? row & 7 : (row >> 1) & 3;
    return row * Width + ((chunk ^ by) << 3);
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
