// A causal mask that stands in memory: y = x where the key is visible, else -infinity. A matrix of
// scores is filled so before a softmax that knows of no mask; zeros that are filled are the matrix
// that an added mask is. (softmax_rows.cuh and attention mask by position, and need neither.)
//
// Which scores are visible softmax_rows says: bottom-right aligned. What is hidden is not read.
// Elements pass through fp32 and back, which changes none but the payloads of NaNs.
#pragma once

#include "optimized/simt/simt.cuh"
#include "optimized/softmax_rows.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_mask_threads = 256;

// Which of equal parts of rows a thread has, counted through all rows.
struct row_part {
  std::int64_t row, part;
};
SIMT_DEVICE row_part part_of_thread(std::int64_t parts) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_mask_threads + threadIdx.x;
  return {i / parts, i % parts};
}

// A thread an element; y may be x.
template <class T>
__global__ void __launch_bounds__(k_mask_threads)
    causal_mask_elements(matrix_rows<const T> x, matrix_rows<T> y, softmax_rows rows) {
  const auto [row, j] = part_of_thread(rows.length);
  if (row >= rows.count) return;
  y[row][j] = j < rows.visible(row) ? T(x[row][j]) : simt::from_float<T>(-INFINITY);
}

// A thread 16 bytes of a row.
template <class T, int Bytes>
__global__ void __launch_bounds__(k_mask_threads)
    causal_mask_words(matrix_rows<const T> x, matrix_rows<T> y, softmax_rows rows,
                      std::int64_t words) {
  const auto [row, word] = part_of_thread(words);
  if (row >= rows.count) return;
  const std::int64_t first = word * k_row_group<T>;
  float group[k_row_group<T>];
  load_scores<T, Bytes>(x[row], first, rows.visible(row), group);
  store_group<T, Bytes>(y[row], first, rows.length, group);
}

// The same in place: nothing is read, and only what is hidden is written, element by element where
// the border goes through a thread's 16 bytes.
template <class T, int Bytes>
__global__ void __launch_bounds__(k_mask_threads)
    causal_mask_hidden_words(matrix_rows<T> y, softmax_rows rows, std::int64_t words) {
  const auto [row, word] = part_of_thread(words);
  if (row >= rows.count) return;
  const std::int64_t first = word * k_row_group<T>, seen = rows.visible(row) - first;
  if (seen <= 0) {
    float group[k_row_group<T>];
    SIMT_UNROLL
    for (float& each : group) each = -INFINITY;
    store_group<T, Bytes>(y[row], first, rows.length, group);
    return;
  }
  for (std::int64_t e = seen; e < k_row_group<T> && first + e < rows.length; ++e)
    y[row][first + e] = simt::from_float<T>(-INFINITY);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
