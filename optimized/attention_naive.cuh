// Attention as the formula has it: all scores, their softmax, the product with the values; three
// kernels, and a [queries, keys] matrix of every head in memory between them. Here so that the
// difference can be seen and counted.
#pragma once

#include "optimized/attention_rows.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/log1p.cuh"
#include "optimized/reduce.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_naive_threads = 128;

struct naive_index {
  std::int64_t row;
  int batch, head, query, column;
};

// Element `i` of a matrix of `columns` for each batch, head and query.
SIMT_DEVICE naive_index naive_place(const attention_size& size, std::int64_t i, int columns) {
  const std::int64_t row = i / columns, matrix = row / size.queries;
  return {row, int(matrix / size.query_heads()), int(matrix % size.query_heads()),
          int(row % size.queries), int(i % columns)};
}

// A thread a score: its dot product by fused multiply-adds in order, then times the scale, a bias
// added.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_scores(attention_problem<T> p, simt::global<float> scores) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.keys) return;
  const naive_index at = naive_place(p.size, i, p.size.keys);
  const key_span seen = p.mask.of(at.batch).seen(at.query);
  float score = -INFINITY;
  if (holds(seen, at.column)) score = p.bias.of(at.head).of(at.query, at.column);
  if (score != -INFINITY) {
    const auto q = p.q.at(at.batch, at.query, at.head);
    const auto k = p.k.at(at.batch, at.column, at.head / p.size.group);
    float dot = 0;
    for (int d = 0; d < p.size.width; ++d)
      dot = fmaf(simt::to_float(q[d]), simt::to_float(k[d]), dot);
    score = fmaf(dot, p.scale, score);
  }
  scores[i] = score;
}

// A warp a row: scores become weights.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_weights(attention_problem<T> p, simt::global<float> scores) {
  const int lane = int(threadIdx.x) % 32, keys = p.size.keys;
  const std::int64_t row =
      std::int64_t(blockIdx.x) * (k_naive_threads / 32) + std::int64_t(threadIdx.x) / 32;
  if (row >= p.size.rows()) return;
  const simt::global<float> mine = scores + row * keys;
  float most = -INFINITY;
  for (int j = lane; j < keys; j += 32) most = simt::max_nan(most, mine[j]);
  for (int away = 16; away > 0; away /= 2)
    most = simt::max_nan(most, __shfl_xor_sync(0xffffffffu, most, away));
  const bool any = most != -INFINITY;
  float sum = 0;
  for (int j = lane; any && j < keys; j += 32) sum += math::exp(mine[j] - most);
  sum = warp_sum(sum);
  const float inverse = any ? 1.0f / sum : 0.0f;
  for (int j = lane; j < keys; j += 32) mine[j] = any ? math::exp(mine[j] - most) * inverse : 0.0f;
  if (lane == 0) p.lse[row] = any ? most + math::log1p(sum - 1.0f) : -INFINITY;
}

// A thread an element of the output. What is masked is not read.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_products(attention_problem<T> p, simt::global<const float> weights) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.width) return;
  const naive_index at = naive_place(p.size, i, p.size.width);
  const key_span seen = p.mask.of(at.batch).seen(at.query);
  const simt::global<const float> row = weights + at.row * p.size.keys;
  const head_bias<T> bias = p.bias.of(at.head);
  float sum = 0;
  for (int j = seen.first; j < seen.last; ++j) {
    if (bias.hides(at.query, j)) continue;
    const auto v = p.v.at(at.batch, j, at.head / p.size.group);
    sum = fmaf(row[j], simt::to_float(v[at.column]), sum);
  }
  p.o.at(at.batch, at.query, at.head)[at.column] = simt::from_float<T>(sum);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
