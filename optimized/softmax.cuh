// Softmax over the rows of a matrix, its logarithm, and their gradients: kernels.
//
//   y = e^(t - max t) / sum e^(t - max t), t = x / temperature; or the logarithm of it
//
// A row's maximum and sum are taken in one pass (Milakov, Gimelshein, "Online normalizer
// calculation for softmax", arXiv:1805.02867, algorithm 3), a group of 16 bytes at a time: the sum
// so far is rescaled once a group. Where the row fits into its threads' registers it is read once.
// The order of every sum depends on the row's length alone, not on how the arrays are aligned.
//
// Masking is by position (softmax_rows.cuh): what is not visible is not read. Scores of -infinity
// mask too, and so does a mask that is added to them. What is masked gives 0 (log: -infinity), and
// so does a row that has nothing else; a NaN or +infinity in sight makes its row NaN. y may overlay
// x.
#pragma once

#include "optimized/math/exp.cuh"
#include "optimized/math/log1p.cuh"
#include "optimized/simt/simt.cuh"
#include "optimized/softmax_rows.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_softmax_threads = k_row_threads;

// What becomes of a score: t is its exponent below the row's maximum, power() the exponential of
// that, closing what close() made of the sum.
struct natural_power {
  SIMT_DEVICE static float power(float t) { return math::exp(t); }
};
struct softmax_form : natural_power {
  static constexpr float k_masked = 0.0f;
  SIMT_DEVICE float exponent(float below) const { return below; }
  SIMT_DEVICE float close(float sum) const { return 1.0f / sum; }
  SIMT_DEVICE float result(float t, float closing) const { return math::exp(t) * closing; }
};
struct softmax_scaled_form : softmax_form {
  float inverse;  // 1 / temperature
  SIMT_DEVICE float exponent(float below) const { return below * inverse; }
};
struct log_softmax_form : natural_power {
  static constexpr float k_masked = -INFINITY;
  SIMT_DEVICE float exponent(float below) const { return below; }
  SIMT_DEVICE float close(float sum) const { return math::log1p(sum - 1.0f); }  // the sum is >= 1
  SIMT_DEVICE float result(float t, float closing) const { return t - closing; }
};

// The maximum of the scores seen so far, and the sum of their exponentials below it. Nothing but
// -infinity: {-infinity, 0}. After a NaN or +infinity the sum is NaN.
struct online_sum {
  float most = -INFINITY;
  float sum = 0.0f;

  template <class Form, int Count>
  SIMT_DEVICE void take(const Form& form, const float (&x)[Count]) {
    float next = most;
    SIMT_UNROLL
    for (int i = 0; i < Count; ++i) next = simt::max_nan(next, x[i]);
    if (next == -INFINITY) return;
    sum *= form.power(form.exponent(most - next));
    SIMT_UNROLL
    for (int i = 0; i < Count; ++i) sum += form.power(form.exponent(x[i] - next));
    most = next;
  }

  template <class Form>
  SIMT_DEVICE void merge(const Form& form, online_sum other) {
    const float next = simt::max_nan(most, other.most);
    if (next == -INFINITY) return;
    sum = sum * form.power(form.exponent(most - next)) +
          other.sum * form.power(form.exponent(other.most - next));
    most = next;
  }
};

// Of a warp, the same in every lane: halves merged with halves. All lanes must call it.
template <class Form>
SIMT_DEVICE online_sum warp_merge(const Form& form, online_sum mine) {
  for (int away = 16; away > 0; away /= 2) {
    const online_sum other = {__shfl_xor_sync(0xffffffffu, mine.most, away),
                              __shfl_xor_sync(0xffffffffu, mine.sum, away)};
    mine.merge(form, other);
  }
  return mine;
}

// Of a block of so many threads, the same in every thread: each warp's, then the warps' by every
// warp. All threads must call it, once.
template <int Threads = k_softmax_threads, class Form>
SIMT_DEVICE online_sum block_merge(const Form& form, online_sum mine) {
  constexpr int k_warps = Threads / 32;
  __shared__ simt::array<float, k_warps> maxima;
  __shared__ simt::array<float, k_warps> sums;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  mine = warp_merge(form, mine);
  if (lane == 0) {
    maxima[warp] = mine.most;
    sums[warp] = mine.sum;
  }
  __syncthreads();  // every warp's part is there before any warp reads them
  online_sum all;
  if (lane < k_warps) all = {maxima[lane], sums[lane]};
  return warp_merge(form, all);
}

// A group's results from its scores; a row of nothing but masks has no sum to divide by.
template <class Form, int Count>
SIMT_DEVICE void results_of(const Form& form, online_sum all, std::int64_t seen,
                            float (&x)[Count]) {
  const float closing = form.close(all.sum);
  SIMT_UNROLL
  for (int e = 0; e < Count; ++e)
    x[e] = e >= seen || all.most == -INFINITY
               ? Form::k_masked
               : form.result(form.exponent(x[e] - all.most), closing);
}

// Rows that fit into registers: Threads (32 or all) a row. Scores: plain_scores or masked_scores.
template <class Form, class Scores, int Bytes, int Threads>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_on_chip(Scores x, matrix_rows<typename Scores::type> y, softmax_rows rows, Form form) {
  using T = typename Scores::type;
  const std::int64_t row =
      std::int64_t(blockIdx.x) * (k_softmax_threads / Threads) + threadIdx.x / Threads;
  if (row >= rows.count) return;  // whole warps: a block of one row has it
  const int lane = int(threadIdx.x) % Threads;
  const std::int64_t visible = rows.visible(row);
  float scores[k_row_groups<T>][k_row_group<T>];
  online_sum all;
  SIMT_UNROLL
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t first = (std::int64_t(g) * Threads + lane) * k_row_group<T>;
    x.template load<Bytes>(row, first, visible, scores[g]);
    all.take(form, scores[g]);
  }
  if constexpr (Threads == 32)
    all = warp_merge(form, all);
  else
    all = block_merge(form, all);
  SIMT_UNROLL
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t first = (std::int64_t(g) * Threads + lane) * k_row_group<T>;
    results_of(form, all, visible - first, scores[g]);
    store_group<T, Bytes>(y[row], first, rows.length, scores[g]);
  }
}

// Longer rows, first kernel: a block for each chunk of k_block_row elements writes the chunk's
// maximum and sum, maxima first, then sums, in the order of the blocks.
template <class Form, class Scores, int Bytes>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_chunk_sums(Scores x, simt::global<float> partial, softmax_rows rows,
                       std::int64_t chunks, Form form) {
  using T = typename Scores::type;
  const std::int64_t row = blockIdx.x / chunks, chunk = blockIdx.x % chunks;
  const std::int64_t visible = rows.visible(row);
  online_sum all;
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t group = std::int64_t(g) * k_softmax_threads + threadIdx.x;
    float scores[k_row_group<T>];
    x.template load<Bytes>(row, chunk * k_block_row + group * k_row_group<T>, visible, scores);
    all.take(form, scores);
  }
  all = block_merge(form, all);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = all.most;
    partial[rows.count * chunks + blockIdx.x] = all.sum;
  }
}

// Second kernel: a block merges the chunks of its row (thread t chunks t, t + 256, ...; then the
// block its threads) and writes the results of its own chunk.
template <class Form, class Scores, int Bytes>
__global__ void __launch_bounds__(k_softmax_threads)
    softmax_from_chunks(Scores x, simt::global<const float> partial,
                        matrix_rows<typename Scores::type> y, softmax_rows rows,
                        std::int64_t chunks, Form form) {
  using T = typename Scores::type;
  const std::int64_t row = blockIdx.x / chunks, chunk = blockIdx.x % chunks;
  const std::int64_t visible = rows.visible(row);
  online_sum all;
  for (std::int64_t c = threadIdx.x; c < chunks; c += k_softmax_threads)
    all.merge(form, {partial[row * chunks + c], partial[(rows.count + row) * chunks + c]});
  all = block_merge(form, all);
  for (int g = 0; g < k_row_groups<T>; ++g) {
    const std::int64_t group = std::int64_t(g) * k_softmax_threads + threadIdx.x;
    const std::int64_t first = chunk * k_block_row + group * k_row_group<T>;
    float scores[k_row_group<T>];
    x.template load<Bytes>(row, first, visible, scores);
    results_of(form, all, visible - first, scores);
    store_group<T, Bytes>(y[row], first, rows.length, scores);
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
