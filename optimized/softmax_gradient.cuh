// Gradients of softmax and of its logarithm, from their results y:
//
//   softmax       dx = y (dy - sum y dy) / temperature
//   log_softmax   dx = dy - e^y sum dy
//
// As in softmax.cuh: rows that fit into their threads' registers are read once, longer ones in
// chunks of which a second kernel adds up the sums; the order depends on the row's length alone.
// What the position masks is not read and gives 0. dx may overlay y or dy.
#pragma once

#include "optimized/reduce.cuh"
#include "optimized/softmax.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

struct softmax_gradient_form {
  SIMT_DEVICE float add(float sum, float y, float dy) const { return fmaf(y, dy, sum); }
  SIMT_DEVICE float result(float y, float dy, float sum) const { return y * (dy - sum); }
};
struct softmax_scaled_gradient_form : softmax_gradient_form {
  float inverse;  // 1 / temperature
  SIMT_DEVICE float result(float y, float dy, float sum) const { return y * (dy - sum) * inverse; }
};
struct log_softmax_gradient_form {
  SIMT_DEVICE float add(float sum, float, float dy) const { return sum + dy; }
  SIMT_DEVICE float result(float y, float dy, float sum) const {
    return fmaf(-math::exp(y), sum, dy);
  }
};

// A group of both rows; beyond what is visible 0, and 0 is added.
template <class T, int Bytes>
struct gradient_group {
  float y[k_row_group<T>], dy[k_row_group<T>];

  SIMT_DEVICE void load(simt::global<const T> from, simt::global<const T> above, std::int64_t first,
                        std::int64_t visible) {
    load_scores<T, Bytes>(from, first, visible, y);
    load_scores<T, Bytes>(above, first, visible, dy);
  }
  template <class Form>
  SIMT_DEVICE float added(const Form& form, float sum, std::int64_t seen) const {
    SIMT_UNROLL
    for (int e = 0; e < k_row_group<T>; ++e)
      if (e < seen) sum = form.add(sum, y[e], dy[e]);
    return sum;
  }
  template <class Form>
  SIMT_DEVICE void store(const Form& form, float sum, std::int64_t seen, simt::global<T> to,
                         std::int64_t first, std::int64_t length) const {
    float dx[k_row_group<T>];
    SIMT_UNROLL
    for (int e = 0; e < k_row_group<T>; ++e)
      dx[e] = e < seen ? form.result(y[e], dy[e], sum) : 0.0f;
    store_group<T, Bytes>(to, first, length, dx);
  }
};

SIMT_DEVICE float plus(float a, float b) { return a + b; }

// Rows that fit into registers: Threads (32 or all) a row.
template <class Form, class T, int Bytes, int Threads>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_gradient_on_chip(matrix_rows<const T> y, matrix_rows<const T> dy, matrix_rows<T> dx,
                             softmax_rows rows, Form form) {
  constexpr int k_warps = k_softmax_threads / 32;
  const std::int64_t row =
      std::int64_t(blockIdx.x) * (k_softmax_threads / Threads) + threadIdx.x / Threads;
  if (row >= rows.count) return;  // whole warps: a block of one row has it
  const int lane = int(threadIdx.x) % Threads;
  const std::int64_t visible = rows.visible(row);
  gradient_group<T, Bytes> groups[k_row_groups<T>];
  float sum = 0.0f;
  SIMT_UNROLL
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t first = (std::int64_t(g) * Threads + lane) * k_row_group<T>;
    groups[g].load(y[row], dy[row], first, visible);
    sum = groups[g].added(form, sum, visible - first);
  }
  if constexpr (Threads == 32) {
    sum = warp_sum(sum);
  } else {
    __shared__ simt::array<float, k_warps> parts;
    sum = block_all<k_warps>(sum, parts, plus);
  }
  SIMT_UNROLL
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t first = (std::int64_t(g) * Threads + lane) * k_row_group<T>;
    groups[g].store(form, sum, visible - first, dx[row], first, rows.length);
  }
}

// Longer rows, first kernel: a block writes the sum of its chunk of k_block_row elements.
template <class Form, class T, int Bytes>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_gradient_chunk_sums(matrix_rows<const T> y, matrix_rows<const T> dy,
                                simt::global<float> partial, softmax_rows rows, std::int64_t chunks,
                                Form form) {
  const std::int64_t row = blockIdx.x / chunks, chunk = blockIdx.x % chunks;
  const std::int64_t visible = rows.visible(row);
  float sum = 0.0f;
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t group = std::int64_t(g) * k_softmax_threads + threadIdx.x;
    const std::int64_t first = chunk * k_block_row + group * k_row_group<T>;
    gradient_group<T, Bytes> here;
    here.load(y[row], dy[row], first, visible);
    sum = here.added(form, sum, visible - first);
  }
  sum = block_sum<k_softmax_threads>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// Second kernel: a block adds up the chunks of its row (thread t chunks t, t + 256, ...; then the
// block its threads) and writes the results of its own chunk.
template <class Form, class T, int Bytes>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_gradient_from_chunks(matrix_rows<const T> y, matrix_rows<const T> dy,
                                 simt::global<const float> partial, matrix_rows<T> dx,
                                 softmax_rows rows, std::int64_t chunks, Form form) {
  constexpr int k_warps = k_softmax_threads / 32;
  __shared__ simt::array<float, k_warps> parts;
  const std::int64_t row = blockIdx.x / chunks, chunk = blockIdx.x % chunks;
  const std::int64_t visible = rows.visible(row);
  float sum = 0.0f;
  for (std::int64_t c = threadIdx.x; c < chunks; c += k_softmax_threads)
    sum += partial[row * chunks + c];
  sum = block_all<k_warps>(sum, parts, plus);
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t group = std::int64_t(g) * k_softmax_threads + threadIdx.x;
    const std::int64_t first = chunk * k_block_row + group * k_row_group<T>;
    gradient_group<T, Bytes> here;
    here.load(y[row], dy[row], first, visible);
    here.store(form, sum, visible - first, dx[row], first, rows.length);
  }
}

// The textbook's: one pass for the sum, one for the results; a block a row, element by element.
template <class Form, class T>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_gradient_two_pass(matrix_rows<const T> y, matrix_rows<const T> dy, matrix_rows<T> dx,
                              softmax_rows rows, Form form) {
  constexpr int k_warps = k_softmax_threads / 32;
  __shared__ simt::array<float, k_warps> parts;
  const std::int64_t row = blockIdx.x, visible = rows.visible(row);
  float sum = 0.0f;
  for (std::int64_t j = threadIdx.x; j < visible; j += k_softmax_threads)
    sum = form.add(sum, simt::to_float(T(y[row][j])), simt::to_float(T(dy[row][j])));
  sum = block_all<k_warps>(sum, parts, plus);
  for (std::int64_t j = threadIdx.x; j < rows.length; j += k_softmax_threads) {
    const float result =
        j < visible ? form.result(simt::to_float(T(y[row][j])), simt::to_float(T(dy[row][j])), sum)
                    : 0.0f;
    dx[row][j] = simt::from_float<T>(result);
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
