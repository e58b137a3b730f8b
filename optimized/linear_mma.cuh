// A linear layer (linear.cuh) on tensor cores, for bf16 and fp16: a block a tile of 64 rows and 64
// columns of y, which it sums up over tiles of 64 of the inner dimension. Those come by cp.async,
// two of them in turn. Sums in fp32, then the bias; rounded once.
//
// Takes rows of x, W and y that begin at multiples of 16 bytes, and inner and outer widths that are
// multiples of 8.
#pragma once

#include "optimized/attention_tile.cuh"
#include "optimized/linear.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_linear_mma_tile = 64;
inline constexpr int k_linear_mma_threads = 128;  // four warps of 16 rows each
inline constexpr int k_linear_mma_elements = k_linear_mma_tile * k_linear_mma_tile;
// Two stages of a tile of x and one of W.
inline constexpr std::size_t k_linear_mma_shared_bytes = 4 * k_linear_mma_elements * 2;

// Starts copying a tile of a matrix with rows `stride` apart, from `row` and `column` on. What lies
// beyond its `rows` and `columns` becomes zeros and is not read.
template <class Half>
SIMT_DEVICE void start_matrix_tile(simt::shared<Half> to, simt::global<const Half> from,
                                   std::int64_t stride, std::int64_t row, std::int64_t rows,
                                   int column, int columns) {
  using tile = mma_tile<k_linear_mma_tile>;
  for (int i = int(threadIdx.x); i < k_linear_mma_tile * tile::k_chunks;
       i += k_linear_mma_threads) {
    const int y = i / tile::k_chunks, chunk = i % tile::k_chunks;
    const bool alive = row + y < rows && column + chunk * 8 < columns;
    const auto source = from + (alive ? (row + y) * stride + column + chunk * 8 : 0);
    simt::cp_async<16>(&to[tile::place(y, chunk)], &source[0], alive ? 16 : 0);
  }
}

// Adds to a warp's 16 rows of y, of a lane as mma.sync has them, the product of a tile of x, from
// `first` on, and one of W.
template <class Half>
SIMT_DEVICE void multiply_matrix_tiles(simt::accumulator (&sums)[k_linear_mma_tile / 8],
                                       simt::shared<Half> x, int first,
                                       simt::shared<Half> weights) {
  using tile = mma_tile<k_linear_mma_tile>;
  const int lane = int(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int kk = 0; kk < k_linear_mma_tile / 16; ++kk) {
    const auto rows = simt::ldmatrix<4>(&x[tile::place(first + (lane & 15), kk * 2 + (lane >> 4))]);
    SIMT_UNROLL
    for (int nn = 0; nn < k_linear_mma_tile / 16; ++nn) {  // two times 8 columns
      const auto f = simt::ldmatrix_trans<4>(
          &weights[tile::place(kk * 16 + (lane & 15), nn * 2 + (lane >> 4))]);
      simt::mma_m16n8k16<Half>(sums[2 * nn], rows, simt::fragment<2>{{f.x[0], f.x[1]}});
      simt::mma_m16n8k16<Half>(sums[2 * nn + 1], rows, simt::fragment<2>{{f.x[2], f.x[3]}});
    }
  }
}

// Adds the bias and stores: of a lane, rows g and g + 8 of the warp's, columns 8 n + 2 t and the
// next (g = lane / 4, t = lane % 4).
template <class Half>
SIMT_DEVICE void store_matrix_rows(const linear_problem<Half>& p,
                                   const simt::accumulator (&sums)[k_linear_mma_tile / 8],
                                   std::int64_t first_row, int first_column) {
  const int lane = int(threadIdx.x) % 32;
  SIMT_UNROLL
  for (int h = 0; h < 2; ++h) {
    const std::int64_t row = first_row + lane / 4 + 8 * h;
    if (row >= p.rows) continue;
    SIMT_UNROLL
    for (int n = 0; n < k_linear_mma_tile / 8; ++n) {
      const int column = first_column + n * 8 + lane % 4 * 2;
      if (column >= p.out) continue;
      const float2 bias = simt::unpack<Half>(simt::view<std::uint32_t>(p.bias)[column / 2]);
      simt::view<std::uint32_t>(p.y + row * p.y_row)[column / 2] =
          simt::pack<Half>(sums[n].x[2 * h] + bias.x, sums[n].x[2 * h + 1] + bias.y);
    }
  }
}

template <class Half>
__global__ void __launch_bounds__(k_linear_mma_threads) linear_mma(linear_problem<Half> p) {
  constexpr std::size_t k_bytes = k_linear_mma_elements * 2;
  const auto left = simt::dynamic_shared<Half>(0, 2 * k_linear_mma_elements);
  const auto right = simt::dynamic_shared<Half>(2 * k_bytes, 2 * k_linear_mma_elements);
  const int warp = int(threadIdx.x) / 32;
  const int tiles = (p.out + k_linear_mma_tile - 1) / k_linear_mma_tile;
  const std::int64_t first_row = std::int64_t(blockIdx.x) / tiles * k_linear_mma_tile;
  const int first_column = int(blockIdx.x) % tiles * k_linear_mma_tile;
  const auto start = [&](int stage, int k) {
    start_matrix_tile(left + stage * k_linear_mma_elements, p.x, p.x_row, first_row, p.rows, k,
                      p.in);
    start_matrix_tile(right + stage * k_linear_mma_elements, p.weights, p.weights_row, k, p.in,
                      first_column, p.out);
  };
  simt::accumulator sums[k_linear_mma_tile / 8] = {};
  start(0, 0);
  simt::cp_async_commit();
  for (int k = 0, stage = 0; k < p.in; k += k_linear_mma_tile, stage ^= 1) {
    if (k + k_linear_mma_tile < p.in) start(stage ^ 1, k + k_linear_mma_tile);
    simt::cp_async_commit();
    simt::cp_async_wait_group<1>();
    __syncthreads();  // everybody's part of both tiles has landed
    multiply_matrix_tiles(sums, left + stage * k_linear_mma_elements, warp * 16,
                          right + stage * k_linear_mma_elements);
    __syncthreads();  // everybody is done with the tiles, whose place the next but one take
  }
  store_matrix_rows(p, sums, first_row + warp * 16, first_column);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
