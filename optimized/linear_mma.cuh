// A product (linear.cuh) on tensor cores, for bf16 and fp16: a block a tile of y of 64 x 64 or 128
// x 128, a warp 32 or 64 rows and 32 columns of it. 32 terms of A and B are in shared memory at a
// time, four such stages in turn, which come by cp.async while tensor cores work on those before.
// Sums in fp32 by chunks of the terms (linear_plan.hpp).
//
// Any sizes: what lies beyond an end is zero. Where rows of A or B do not begin at multiples of 16
// bytes, that one is brought in element by element.
#pragma once

#include "optimized/linear.cuh"
#include "optimized/linear_plan.hpp"
#include "optimized/mma_tile.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <int Tile>
struct product_mma_size {
  static constexpr int k_inner = k_product_inner_tile, k_stages = 4;
  static constexpr int k_warp_rows = Tile / 2, k_warp_columns = 32;
  static constexpr int k_warps_across = Tile / k_warp_columns;
  static constexpr int k_threads = 2 * k_warps_across * 32;
  static constexpr int k_elements = Tile * k_inner;  // of A in a stage, and of B
  static constexpr std::size_t k_shared_bytes = std::size_t(k_stages) * 2 * k_elements * 2;
};

// What the kernel is told beside the problem.
struct product_division {
  int chunk = 0;       // terms
  bool apart = false;  // each chunk is a block's, which leaves its sums as a part
  int row_tiles = 0, column_tiles = 0;
};

struct product_place {
  int row_tile = 0, column_tile = 0;
};
// Tiles in the order in which they are worked on: eight rows of them at a time, column by column,
// so that blocks that run together share rows of A and columns of B.
SIMT_DEVICE product_place product_place_of(int tile, const product_division& by) {
  constexpr int k_height = 8;
  const int group = tile / (k_height * by.column_tiles), first = group * k_height,
            height = by.row_tiles - first < k_height ? by.row_tiles - first : k_height,
            within = tile - group * k_height * by.column_tiles;
  return {first + within % height, within / height};
}

// A chunk of which the first `here` elements are read, one by one, and the others 0.
template <class Half>
SIMT_DEVICE uint4 gathered_chunk(simt::global<const Half> from, int here) {
  std::uint32_t words[4] = {};
  SIMT_UNROLL
  for (int e = 0; e < 8; ++e)
    if (e < here) words[e / 2] |= std::uint32_t{simt::bits_of_half(Half(from[e]))} << e % 2 * 16;
  return {words[0], words[1], words[2], words[3]};
}

// Starts copying a tile of a matrix with rows `stride` apart, from `row` and `column` on. What lies
// beyond its `rows` and `columns` becomes zeros and is not read.
template <class Tile, int Threads, class Half>
SIMT_DEVICE void start_matrix_tile(simt::shared<Half> to, simt::global<const Half> from,
                                   std::int64_t stride, std::int64_t row, std::int64_t rows,
                                   std::int64_t column, std::int64_t columns, bool whole) {
  SIMT_UNROLL
  for (int i = int(threadIdx.x); i < Tile::k_rows * Tile::k_chunks; i += Threads) {
    const int y = i / Tile::k_chunks, chunk = i % Tile::k_chunks;
    const std::int64_t first = column + chunk * 8;
    const std::int64_t left = row + y < rows ? columns - first : 0;
    const int here = left >= 8 ? 8 : left > 0 ? int(left) : 0;
    const auto source = from + (here > 0 ? (row + y) * stride + first : 0);
    if (whole) {
      simt::cp_async<16>(&to[Tile::place(y, chunk)], &source[0], here * 2);
      continue;
    }
    simt::view<uint4>(to)[Tile::place(y, chunk) / 8] = gathered_chunk(source, here);
  }
}

// 16 rows of A from `first` on by terms 16 kk to 16 kk + 15 of a stage: a left operand of mma.sync.
template <int Tile, operands Form, class Half>
SIMT_DEVICE simt::fragment<4> left_fragment(simt::shared<Half> stage, int first, int kk) {
  const int lane = int(threadIdx.x) % 32;
  if constexpr (Form == operands::left_turned)
    return simt::ldmatrix_trans<4>(&stage[mma_tile<Tile, k_product_inner_tile>::place(
        kk * 16 + (lane & 7) + ((lane >> 4) << 3), first / 8 + (lane >> 3 & 1))]);
  else
    return simt::ldmatrix<4>(&stage[mma_tile<k_product_inner_tile, Tile>::place(
        first + (lane & 15), kk * 2 + (lane >> 4))]);
}
// 16 columns of B, two right operands: of 8 columns each.
template <int Tile, operands Form, class Half>
SIMT_DEVICE simt::fragment<4> right_fragment(simt::shared<Half> stage, int first, int kk) {
  const int lane = int(threadIdx.x) % 32;
  if constexpr (Form == operands::right_turned)
    return simt::ldmatrix<4>(&stage[mma_tile<k_product_inner_tile, Tile>::place(
        first + (lane & 7) + ((lane >> 4) << 3), kk * 2 + (lane >> 3 & 1))]);
  else
    return simt::ldmatrix_trans<4>(&stage[mma_tile<Tile, k_product_inner_tile>::place(
        kk * 16 + (lane & 15), first / 8 + (lane >> 4))]);
}

// The sums of a warp, as mma.sync has them: 16 rows by 8 columns each.
template <int Tile>
struct product_sums {
  using size = product_mma_size<Tile>;
  static constexpr int k_down = size::k_warp_rows / 16, k_across = size::k_warp_columns / 8;
  simt::accumulator at[k_down][k_across] = {};

  SIMT_DEVICE void clear() {
    SIMT_UNROLL
    for (int i = 0; i < k_down; ++i) {
      SIMT_UNROLL
      for (int n = 0; n < k_across; ++n) at[i][n] = {};
    }
  }
  SIMT_DEVICE void add(const product_sums& other) {
    SIMT_UNROLL
    for (int i = 0; i < k_down; ++i) {
      SIMT_UNROLL
      for (int n = 0; n < k_across; ++n) {
        SIMT_UNROLL
        for (int e = 0; e < 4; ++e) at[i][n].x[e] = at[i][n].x[e] + other.at[i][n].x[e];
      }
    }
  }

  // Adds the products of a stage; the warp's rows and columns of the tile begin at these.
  template <operands Form, class Half>
  SIMT_DEVICE void multiply(simt::shared<Half> left, simt::shared<Half> right, int first_row,
                            int first_column) {
    SIMT_UNROLL
    for (int kk = 0; kk < k_product_inner_tile / 16; ++kk) {
      simt::fragment<4> columns[k_across / 2];
      SIMT_UNROLL
      for (int n = 0; n < k_across / 2; ++n)
        columns[n] = right_fragment<Tile, Form>(right, first_column + 16 * n, kk);
      SIMT_UNROLL
      for (int i = 0; i < k_down; ++i) {
        const auto rows = left_fragment<Tile, Form>(left, first_row + 16 * i, kk);
        SIMT_UNROLL
        for (int n = 0; n < k_across / 2; ++n) {
          const simt::fragment<4>& f = columns[n];
          simt::mma_m16n8k16<Half>(at[i][2 * n], rows, simt::fragment<2>{{f.x[0], f.x[1]}});
          simt::mma_m16n8k16<Half>(at[i][2 * n + 1], rows, simt::fragment<2>{{f.x[2], f.x[3]}});
        }
      }
    }
  }

  // store(row, column, sums of it and the next column): of a lane, rows g and g + 8 of each 16,
  // columns 2 t and the next of each 8 (g = lane / 4, t = lane % 4), from the warp's first on.
  template <class Store>
  SIMT_DEVICE void store(const Store& put) const {
    const int lane = int(threadIdx.x) % 32;
    SIMT_UNROLL
    for (int i = 0; i < k_down; ++i) {
      SIMT_UNROLL
      for (int h = 0; h < 2; ++h) {
        SIMT_UNROLL
        for (int n = 0; n < k_across; ++n)
          put(16 * i + lane / 4 + 8 * h, 8 * n + lane % 4 * 2,
              float2{at[i][n].x[2 * h], at[i][n].x[2 * h + 1]});
      }
    }
  }
};

// `Chunked`: a block may have several chunks, of which it keeps the sum beside that of the one it
// works on. Parts: [chunks, rows, columns], where chunks are apart.
template <class Half, operands Form, int Tile, bool Chunked>
__global__ void __launch_bounds__(product_mma_size<Tile>::k_threads)
    product_mma(product_problem<Half> p, product_division by, simt::global<float> parts) {
  using size = product_mma_size<Tile>;
  using along = mma_tile<k_product_inner_tile, Tile>;   // terms are neighbours in memory
  using across = mma_tile<Tile, k_product_inner_tile>;  // rows of A, or columns of B, are
  const auto left = simt::dynamic_shared<Half>(0, size::k_stages * size::k_elements);
  const auto right =
      simt::dynamic_shared<Half>(size::k_shared_bytes / 2, size::k_stages * size::k_elements);
  const int tiles = by.row_tiles * by.column_tiles, chunk = int(blockIdx.x) / tiles;
  const product_place place = product_place_of(int(blockIdx.x) % tiles, by);
  const std::int64_t first_row = std::int64_t(place.row_tile) * Tile;
  const int first_column = place.column_tile * Tile;
  const std::int64_t begin = by.apart ? std::int64_t(chunk) * by.chunk : 0,
                     end = by.apart && begin + by.chunk < p.inner ? begin + by.chunk : p.inner;
  const int steps = int((end - begin + size::k_inner - 1) / size::k_inner);
  const auto start = [&](int step) {
    const std::int64_t k = begin + std::int64_t(step) * size::k_inner;
    const int at = step % size::k_stages * size::k_elements;
    if constexpr (Form == operands::left_turned)
      start_matrix_tile<across, size::k_threads>(left + at, p.left, p.left_row, k, end, first_row,
                                                 p.rows, p.left_whole);
    else
      start_matrix_tile<along, size::k_threads>(left + at, p.left, p.left_row, first_row, p.rows, k,
                                                end, p.left_whole);
    if constexpr (Form == operands::right_turned)
      start_matrix_tile<along, size::k_threads>(right + at, p.right, p.right_row, first_column,
                                                p.columns, k, end, p.right_whole);
    else
      start_matrix_tile<across, size::k_threads>(right + at, p.right, p.right_row, k, end,
                                                 first_column, p.columns, p.right_whole);
  };
  const int warp = int(threadIdx.x) / 32,
            warp_row = warp / size::k_warps_across * size::k_warp_rows,
            warp_column = warp % size::k_warps_across * size::k_warp_columns;
  product_sums<Tile> sums, total;
  for (int step = 0; step < size::k_stages - 1; ++step) {
    if (step < steps) start(step);
    simt::cp_async_commit();
  }
  const int steps_a_chunk = by.chunk / size::k_inner;
  int chunk_ends = steps_a_chunk;
  for (int step = 0; step < steps; ++step) {
    simt::cp_async_wait_group<size::k_stages - 2>();
    __syncthreads();  // this stage has landed for everybody, and everybody is done with the last
    if (step + size::k_stages - 1 < steps) start(step + size::k_stages - 1);
    simt::cp_async_commit();
    const int at = step % size::k_stages * size::k_elements;
    sums.template multiply<Form>(left + at, right + at, warp_row, warp_column);
    if constexpr (Chunked) {
      if (step + 1 == chunk_ends && step + 1 < steps) {
        total.add(sums);
        sums.clear();
        chunk_ends += steps_a_chunk;
      }
    }
  }
  if constexpr (Chunked) {
    if (steps > steps_a_chunk) sums.add(total);  // in either order: an addition commutes
  }
  sums.store([&](int row_of_warp, int column_of_warp, float2 pair) {
    const std::int64_t row = first_row + warp_row + row_of_warp;
    const int column = first_column + warp_column + column_of_warp;
    if (row >= p.rows || column >= p.columns) return;
    if (!by.apart) return end_pair(p, row, column, pair, p.paired && column + 1 < p.columns);
    const auto part = parts + (chunk * p.rows + row) * p.columns + column;
    part[0] = pair.x;
    if (column + 1 < p.columns) part[1] = pair.y;
  });
}

}  // namespace assay::optimized::inline ASSAY_BUILD
