// Sums of what several blocks have summed up, in a fixed order: chunks of a product's terms
// (linear_plan.hpp), and the columns of a matrix, which db is the sums of.
#pragma once

#include "optimized/linear.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_combine_threads = 256;

// Parts [chunks, rows, columns], fp32: adds the chunks of each element in their order and ends it.
template <class T>
__global__ void __launch_bounds__(k_combine_threads)
    combine_parts(simt::global<const float> parts, int chunks, product_problem<T> p) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_combine_threads + threadIdx.x,
                     elements = p.rows * p.columns;
  if (i >= elements) return;
  float sum = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) sum = sum + parts[chunk * elements + i];
  end_one(p, i / p.columns, int(i % p.columns), sum);
}

// A block sums 32 columns of 256 rows, 8 lanes each: lane l takes rows l, l + 8, ... in order, then
// halves of lanes are added to halves.
inline constexpr int k_column_sums_columns = 32, k_column_sums_lanes = 8, k_column_sums_rows = 256;
inline constexpr int k_column_sums_threads = k_column_sums_columns * k_column_sums_lanes;

inline std::int64_t column_sums_chunks(std::int64_t rows) {
  return rows > k_column_sums_rows ? (rows + k_column_sums_rows - 1) / k_column_sums_rows : 1;
}

// To parts [chunks of rows, columns], which combine_parts adds up.
template <class T>
__global__ void __launch_bounds__(k_column_sums_threads)
    column_sums(column_sums_problem<T> p, simt::global<float> parts) {
  __shared__ simt::array<float, k_column_sums_threads> sums;
  const int strips = (p.columns + k_column_sums_columns - 1) / k_column_sums_columns;
  const std::int64_t chunk = std::int64_t(blockIdx.x) / strips, first = chunk * k_column_sums_rows;
  const int x = int(threadIdx.x) % k_column_sums_columns,
            lane = int(threadIdx.x) / k_column_sums_columns,
            column = int(blockIdx.x) % strips * k_column_sums_columns + x;
  float sum = 0;
  if (column < p.columns) {
    for (int i = lane; i < k_column_sums_rows && first + i < p.rows; i += k_column_sums_lanes)
      sum = sum + simt::to_float(T(p.from[(first + i) * p.from_row + column]));
  }
  sums[int(threadIdx.x)] = sum;
  for (int half = k_column_sums_lanes / 2; half > 0; half /= 2) {
    __syncthreads();  // the sums of all lanes that are added now are there
    if (lane < half) {
      sum = sum + sums[int(threadIdx.x) + half * k_column_sums_columns];
      sums[int(threadIdx.x)] = sum;
    }
  }
  if (lane == 0 && column < p.columns) parts[chunk * p.columns + column] = sum;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
