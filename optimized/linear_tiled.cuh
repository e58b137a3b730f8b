// A product (linear.cuh) in fp32 through shared memory, to be read: a block a tile of 64 x 64 of y,
// a thread 4 x 4 of it. Of A and B 16 terms are in shared memory at a time, both with the inner
// index outermost. The sums are those of product_naive, bit for bit.
#pragma once

#include "optimized/linear.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_linear_tiled_tile = 64, k_linear_tiled_inner = 16;
inline constexpr int k_linear_tiled_threads = 256;  // 16 x 16

// Terms of A or B: row `k` is one inner index. Two more elements a row let the neighbours in k and
// in the outer index that a warp writes at once lie in different banks.
using linear_tiled_terms = simt::array<float, k_linear_tiled_inner, k_linear_tiled_tile + 2>;

// Brings in tile[k][outer] for inner indices from first_k on and outer ones from first_outer on, 0
// beyond the ends. Threads go along the rows of memory: `InnerFirst`, whose elements are
// neighbours in k.
template <bool InnerFirst, class Terms, class T>
SIMT_DEVICE void fill_terms(Terms& tile, simt::global<const T> from, std::int64_t row_step,
                            std::int64_t first_outer, std::int64_t outers, std::int64_t first_k,
                            std::int64_t inners) {
  for (int i = int(threadIdx.x); i < k_linear_tiled_inner * k_linear_tiled_tile;
       i += k_linear_tiled_threads) {
    const int k = InnerFirst ? i % k_linear_tiled_inner : i / k_linear_tiled_tile;
    const int outer = InnerFirst ? i / k_linear_tiled_inner : i % k_linear_tiled_tile;
    const bool there = first_k + k < inners && first_outer + outer < outers;
    const std::int64_t at = InnerFirst ? (first_outer + outer) * row_step + first_k + k
                                       : (first_k + k) * row_step + first_outer + outer;
    tile[k][outer] = there ? simt::to_float(T(from[at])) : 0.0f;
  }
}

template <class T, operands Form>
__global__ void __launch_bounds__(k_linear_tiled_threads) product_tiled(product_problem<T> p) {
  __shared__ linear_tiled_terms left;
  __shared__ linear_tiled_terms right;
  const int tiles = (p.columns + k_linear_tiled_tile - 1) / k_linear_tiled_tile;
  const std::int64_t first_row = std::int64_t(blockIdx.x) / tiles * k_linear_tiled_tile;
  const int first_column = int(blockIdx.x) % tiles * k_linear_tiled_tile;
  const int x = int(threadIdx.x) % 16, y = int(threadIdx.x) / 16;
  float sums[4][4] = {};
  for (std::int64_t k = 0; k < p.inner; k += k_linear_tiled_inner) {
    fill_terms<Form != operands::left_turned>(left, p.left, p.left_row, first_row, p.rows, k,
                                              p.inner);
    fill_terms<Form == operands::right_turned>(right, p.right, p.right_row, first_column, p.columns,
                                               k, p.inner);
    __syncthreads();  // all terms are there
    for (int term = 0; term < k_linear_tiled_inner; ++term) {
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i) {
        const float a = left[term][y + 16 * i];
        SIMT_UNROLL
        for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(a, right[term][x + 16 * j], sums[i][j]);
      }
    }
    __syncthreads();  // everybody is done with them
  }
  SIMT_UNROLL
  for (int i = 0; i < 4; ++i) {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      const std::int64_t row = first_row + y + 16 * i;
      const int column = first_column + x + 16 * j;
      if (row < p.rows && column < p.columns) end_one(p, row, column, sums[i][j]);
    }
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
