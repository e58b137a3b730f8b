// The kernels whose traffic is calculated by hand (counter_test.cu), and which must be counted
// alike by every compiler (compare_counters).
#pragma once

#include "optimized/simt/simt.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {

inline constexpr int k_tile_rows = 32;

[[maybe_unused]] __global__ static void copy_words(global<const float> x, global<float> y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = x[i];
}

[[maybe_unused]] __global__ static void copy_vectors(global<const float> x, global<float> y,
                                                     int n) {
  const int i = 4 * static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) view<float4>(y + i)[0] = view<float4>(x + i)[0];
}

[[maybe_unused]] __global__ static void copy_strided(global<const float> x, global<float> y,
                                                     int stride) {
  const int i = static_cast<int>(threadIdx.x);
  y[i] = x[i * stride];
}

// A tile of 32 x 32 floats; PADDING is what stands between its rows.
template <int Padding>
__global__ void transpose(global<const float> x, global<float> y) {
  __shared__ array<float, k_tile_rows, k_tile_rows + Padding> tile;
  const int column = static_cast<int>(threadIdx.x);
  for (int row = static_cast<int>(threadIdx.y); row < k_tile_rows; row += 8) {
    tile[row][column] = x[row * k_tile_rows + column];
  }
  __syncthreads();  // the columns of the tile come from all warps
  for (int row = static_cast<int>(threadIdx.y); row < k_tile_rows; row += 8) {
    y[row * k_tile_rows + column] = tile[column][row];
  }
}

// The sum of 256 floats by 256 threads.
[[maybe_unused]] __global__ static void reduce(global<const float> x, global<float> y) {
  __shared__ array<float, 8> parts;
  const int i = static_cast<int>(threadIdx.x);
  float sum = x[i];
  for (int d = 16; d > 0; d /= 2) sum += __shfl_xor_sync(k_full_warp, sum, d);
  if (i % 32 == 0) parts[i / 32] = sum;
  __syncthreads();  // the parts of all warps
  if (i == 0) {
    for (int w = 1; w < 8; ++w) sum += parts[w];
    y[0] = sum;
  }
}

// D [16 x 8] = A [16 x 16] B [16 x 8] through shared memory, one warp. B is stored by columns.
template <class Half>
__global__ void multiply_tile(global<const Half> a, global<const Half> b, global<float> d) {
  __shared__ array<Half, 16 * 16> a_tile;
  __shared__ array<Half, 8 * 16> b_tile;
  const int lane = static_cast<int>(threadIdx.x);
  cp_async<16>(&a_tile[8 * lane], &a[8 * lane]);
  if (lane < 16) cp_async<16>(&b_tile[8 * lane], &b[8 * lane]);
  cp_async_wait_all();
  __syncwarp();  // each lane reads what others have copied
  // Matrices 0 to 3 are rows 0-7 and 8-15 of columns 0-7, then of columns 8-15: the order of mma's
  // A.
  const auto fa = ldmatrix<4>(&a_tile[16 * (lane % 16) + 8 * (lane / 16)]);
  const auto fb = ldmatrix<2>(&b_tile[16 * (lane % 8) + 8 * (lane / 8 % 2)]);
  accumulator sum{};
  mma_m16n8k16<Half>(sum, fa, fb);
  const int row = lane / 4, column = 2 * (lane % 4);
  view<float2>(d + 8 * row + column)[0] = float2{sum.x[0], sum.x[1]};
  view<float2>(d + 8 * (row + 8) + column)[0] = float2{sum.x[2], sum.x[3]};
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
