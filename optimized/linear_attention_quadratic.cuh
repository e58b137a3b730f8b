// Linear attention as its sum has it: the weights of all pairs go to memory, [queries, keys] of
// every head, and the means are taken by them; two kernels. Its work grows with the square of the
// length, which linear attention is there to avoid. Here so that the difference can be seen and
// counted.
#pragma once

#include "optimized/attention_naive.cuh"
#include "optimized/linear_attention_rows.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// A thread a pair: the dot product of its features by fused multiply-adds in order. Of pairs that
// are not seen nothing is read, and nothing written.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    linear_attention_weights(linear_attention_problem<T> p, simt::global<float> weights) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.keys) return;
  const naive_index at = naive_place(p.size, i, p.size.keys);
  if (at.column >= p.mask.seen(at.query).last) return;
  const auto q = p.q.at(at.batch, at.query, at.head);
  const auto k = p.k.at(at.batch, at.column, at.head / p.size.group);
  float weight = 0;
  for (int d = 0; d < p.size.width; ++d)
    weight =
        fmaf(linear_feature(simt::to_float(q[d])), linear_feature(simt::to_float(k[d])), weight);
  weights[i] = weight;
}

// A thread an element of the output: both sums in order, by the keys that are seen.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    linear_attention_products(linear_attention_problem<T> p, simt::global<const float> weights) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.width) return;
  const naive_index at = naive_place(p.size, i, p.size.width);
  const simt::global<const float> row = weights + at.row * p.size.keys;
  const int last = p.mask.seen(at.query).last;
  float products = 0, sum = 0;
  for (int j = 0; j < last; ++j) {
    const auto v = p.v.at(at.batch, j, at.head / p.size.group);
    const float weight = row[j];
    products = fmaf(weight, simt::to_float(v[at.column]), products);
    sum += weight;
  }
  p.o.at(at.batch, at.query, at.head)[at.column] = simt::from_float<T>(linear_mean(products, sum));
}

}  // namespace assay::optimized::inline ASSAY_BUILD
