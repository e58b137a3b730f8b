// Gradients of attention as the formulas have them (reference/attention_gradient.hpp): the weights
// and the gradients of all scores, two [queries, keys] matrices of every head in memory, and their
// products with keys, queries and gradients from above. Here so that the difference to flash
// attention can be seen and counted; the first kernel is that one's too.
#pragma once

#include "optimized/attention_naive.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// A warp a row: its delta, the product of o with its gradient.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_deltas(attention_gradient_problem<T> p) {
  const int lane = int(threadIdx.x) % 32;
  const std::int64_t row =
      std::int64_t(blockIdx.x) * (k_naive_threads / 32) + std::int64_t(threadIdx.x) / 32;
  if (row >= p.size.rows()) return;
  const naive_index at = naive_place(p.size, row, 1);
  const auto o = p.o.at(at.batch, at.query, at.head), grad = p.grad.at(at.batch, at.query, at.head);
  float delta = 0;
  for (int d = lane; d < p.size.width; d += 32)
    delta = fmaf(simt::to_float(o[d]), simt::to_float(grad[d]), delta);
  delta = warp_sum(delta);
  if (lane == 0) p.deltas[row] = delta;
}

// The keys that take part in a row: those that it sees, none where its log-sum-exp is -infinity.
template <class T>
SIMT_DEVICE key_span partners(const attention_gradient_problem<T>& p, const naive_index& at) {
  const float lse = p.lse[p.size.row_at(at.batch, at.head, at.query)];
  return lse == -INFINITY ? key_span{0, 0} : p.mask.of(at.batch).seen(at.query);
}

// A thread a pair: its weight and the gradient of its score. Pairs without part are not written.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_score_gradients(attention_gradient_problem<T> p, simt::global<float> weights,
                              simt::global<float> gradients) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.keys) return;
  const naive_index at = naive_place(p.size, i, p.size.keys);
  if (!holds(partners(p, at), at.column)) return;
  const int key_head = at.head / p.size.group;
  const auto q = p.q.at(at.batch, at.query, at.head), grad = p.grad.at(at.batch, at.query, at.head);
  const float bias = p.bias.of(at.head).of(at.query, at.column);
  if (bias == -INFINITY) return;
  const auto k = p.k.at(at.batch, at.column, key_head), v = p.v.at(at.batch, at.column, key_head);
  float score = 0, dp = 0;
  for (int d = 0; d < p.size.width; ++d) {
    score = fmaf(simt::to_float(q[d]), simt::to_float(k[d]), score);
    dp = fmaf(simt::to_float(grad[d]), simt::to_float(v[d]), dp);
  }
  const float weight = math::exp(fmaf(score, p.scale, bias) - p.lse[at.row]);
  weights[i] = weight;
  gradients[i] = weight * (dp - p.deltas[at.row]);
}

// A thread an element of dq.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_query_gradients(attention_gradient_problem<T> p,
                              simt::global<const float> gradients) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  if (i >= p.size.rows() * p.size.width) return;
  const naive_index at = naive_place(p.size, i, p.size.width);
  const key_span span = partners(p, at);
  const auto ds = gradients + at.row * p.size.keys;
  const head_bias<T> bias = p.bias.of(at.head);
  float sum = 0;
  for (int j = span.first; j < span.last; ++j) {
    if (bias.hides(at.query, j)) continue;
    sum = fmaf(ds[j], simt::to_float(p.k.at(at.batch, j, at.head / p.size.group)[at.column]), sum);
  }
  p.dq.at(at.batch, at.query, at.head)[at.column] = simt::from_float<T>(sum * p.scale);
}

// A thread an element of dk and of dv: over the query heads that share the key, and their queries.
template <class T>
__global__ void __launch_bounds__(k_naive_threads)
    attention_key_gradients(attention_gradient_problem<T> p, simt::global<const float> weights,
                            simt::global<const float> gradients) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_naive_threads + threadIdx.x;
  const std::int64_t token = i / p.size.width / p.size.heads;
  if (token >= std::int64_t(p.size.batch) * p.size.keys) return;
  const int d = int(i % p.size.width), key_head = int(i / p.size.width % p.size.heads);
  const int batch = int(token / p.size.keys), key = int(token % p.size.keys);
  const key_span seers = p.mask.of(batch).seers(key);
  float dk = 0, dv = 0;
  for (int head = key_head * p.size.group; head < (key_head + 1) * p.size.group; ++head) {
    const head_bias<T> bias = p.bias.of(head);
    for (int query = seers.first; query < seers.last; ++query) {
      const std::int64_t row = p.size.row_at(batch, head, query);
      if (p.lse[row] == -INFINITY || bias.hides(query, key)) continue;
      const std::int64_t pair = row * p.size.keys + key;
      dk = fmaf(gradients[pair], simt::to_float(p.q.at(batch, query, head)[d]), dk);
      dv = fmaf(weights[pair], simt::to_float(p.grad.at(batch, query, head)[d]), dv);
    }
  }
  p.dk.at(batch, key, key_head)[d] = simt::from_float<T>(dk * p.scale);
  p.dv.at(batch, key, key_head)[d] = simt::from_float<T>(dv);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
