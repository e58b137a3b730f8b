// Rows of a matrix in memory, and how a thread reads and writes 16 bytes' worth of one.
#pragma once

#include "optimized/matrix_rows.cuh"
#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

// Elements in 16 bytes.
template <class T>
inline constexpr int k_row_group = 16 / int(sizeof(T));

inline constexpr int k_row_threads = 256;  // of a block that works on rows
// Groups a thread holds in registers: 32 elements.
template <class T>
inline constexpr int k_row_groups = 32 / k_row_group<T>;
// The longest rows that a warp and a block hold in registers.
inline constexpr std::int64_t k_warp_row = 32 * 32, k_block_row = k_row_threads * 32;

// A group of a row from element `first` on: `beyond` from `end` on.
template <class T, int Bytes>
SIMT_DEVICE void load_group(simt::global<const T> row, std::int64_t first, std::int64_t end,
                            float (&x)[k_row_group<T>], float beyond = 0.0f) {
  using part = elements<T, Bytes>;
  SIMT_UNROLL
  for (int w = 0; w < k_row_group<T>; w += part::k_count) {
    const std::int64_t here = end - (first + w);
    part in{};
    if (here > 0) in = load_part<T, Bytes>(row + (first + w), here);
    SIMT_UNROLL
    for (int e = 0; e < part::k_count; ++e) x[w + e] = e < here ? in.value[e] : beyond;
  }
}

// Writes a group of results, as far as the row goes.
template <class T, int Bytes>
SIMT_DEVICE void store_group(simt::global<T> row, std::int64_t first, std::int64_t length,
                             const float (&y)[k_row_group<T>]) {
  using part = elements<T, Bytes>;
  SIMT_UNROLL
  for (int w = 0; w < k_row_group<T>; w += part::k_count) {
    if (first + w >= length) break;
    part out;
    SIMT_UNROLL
    for (int e = 0; e < part::k_count; ++e) out.value[e] = y[w + e];
    store_part<T, Bytes>(row + (first + w), out, length - (first + w));
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
