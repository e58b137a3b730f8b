// Decoding as the formula has it: a warp a query, which multiplies it with every key three times
// over, for the largest score, for the sum of the weights and for the weights; nothing but results
// is ever in memory.
#pragma once

#include "optimized/attention_decode_rows.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/log1p.cuh"
#include "optimized/reduce.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_decode_naive_threads = 128;

// A query and the keys [0, last) that it sees.
struct decode_row {
  int batch, query, head, last;
};

template <class T>
SIMT_DEVICE float decode_score(const decode_problem<T>& p, const decode_row& row, int key) {
  const key_place at = p.table.of(row.batch, key);
  if (at.first < 0) return NAN;
  const auto q = p.q.at(row.batch, row.query, row.head);
  const auto k = p.k.at(at.first, at.second, row.head / p.size.group);
  float dot = 0;
  for (int d = 0; d < p.size.width; ++d)
    dot = fmaf(simt::to_float(q[d]), simt::to_float(k[d]), dot);
  return dot * p.scale;
}

// Column `column` of the mean of the values; 32 weights at a time, one of each lane.
template <class T>
SIMT_DEVICE float decode_mean(const decode_problem<T>& p, const decode_row& row, int column,
                              float most, float inverse) {
  const int lane = int(threadIdx.x) % 32;
  float sum = 0;
  for (int first = 0; first < row.last; first += 32) {
    float mine = 0;
    if (first + lane < row.last)
      mine = math::exp(decode_score(p, row, first + lane) - most) * inverse;
    for (int i = 0; i < 32 && first + i < row.last; ++i) {
      const float weight = __shfl_sync(0xffffffffu, mine, i);
      if (column >= p.size.width) continue;
      const key_place at = p.table.of(row.batch, first + i);
      float v = NAN;
      if (at.first >= 0)
        v = simt::to_float(p.v.at(at.first, at.second, row.head / p.size.group)[column]);
      sum = fmaf(weight, v, sum);
    }
  }
  return sum;
}

template <class T>
__global__ void __launch_bounds__(k_decode_naive_threads)
    attention_decode_naive(decode_problem<T> p) {
  const int lane = int(threadIdx.x) % 32, width = p.size.width;
  const std::int64_t index =
      std::int64_t(blockIdx.x) * (k_decode_naive_threads / 32) + std::int64_t(threadIdx.x) / 32;
  if (index >= p.size.rows()) return;
  const std::int64_t matrix = index / p.size.queries;
  decode_row row{int(matrix / p.size.query_heads()), int(index % p.size.queries),
                 int(matrix % p.size.query_heads()), 0};
  row.last = p.last_of(row.query, p.length_of(row.batch));
  float most = -INFINITY, sum = 0;
  for (int j = lane; j < row.last; j += 32) most = simt::max_nan(most, decode_score(p, row, j));
  for (int away = 16; away > 0; away /= 2)
    most = simt::max_nan(most, __shfl_xor_sync(0xffffffffu, most, away));
  const bool any = most != -INFINITY;
  if (!any) row.last = 0;
  for (int j = lane; j < row.last; j += 32) sum += math::exp(decode_score(p, row, j) - most);
  sum = warp_sum(sum);
  const float inverse = any ? 1.0f / sum : 0.0f;
  const auto o = p.o.at(row.batch, row.query, row.head);
  for (int first = 0; first < width; first += 32) {
    const float mean = decode_mean(p, row, first + lane, most, inverse);
    if (first + lane < width) o[first + lane] = simt::from_float<T>(mean);
  }
  if (lane == 0) p.lse[index] = any ? most + math::log1p(sum - 1.0f) : -INFINITY;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
