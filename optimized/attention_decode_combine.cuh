// How decoding is divided into splits of the keys, where their parts lie in memory, and how the
// parts of a query are put together.
#pragma once

#include "optimized/attention_decode_rows.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/log1p.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_decode_threads = 128, k_decode_warps = k_decode_threads / 32;
inline constexpr int k_decode_width = 128;  // of the widest head

// How a call is divided.
struct decode_split {
  int keys = 256;  // of a split; a multiple of 32
  int splits = 1;  // of all keys that the cache holds
  int blocks_of_rows = 1;
  int lanes = 4;          // of a team: a power of two from 4 to 32
  bool words = false;     // rows of keys and values begin at multiples of 16 bytes
  bool combined = false;  // one split goes through memory too

  // Of a query that sees the keys before `last`.
  SIMT_DEVICE int splits_of(int last) const { return last <= keys ? 1 : (last - 1) / keys + 1; }
  SIMT_DEVICE bool is_direct(int last) const { return last <= keys && !combined; }
};

// Parts of all queries: of row r and split s, m, l and then o from ((r splits + s) (width + 2)) on.
SIMT_DEVICE std::int64_t part_at(const attention_size& size, const decode_split& by,
                                 std::int64_t row, int split) {
  return (row * by.splits + split) * (size.width + 2);
}

SIMT_DEVICE float decode_lse(float m, float l) {
  return m != -INFINITY ? m + math::log1p(l - 1.0f) : -INFINITY;
}

// A warp a query: its parts, in their order, each times e^(m - the largest m). (The 1: left to
// itself, ptxas 13.0 spills to fit more blocks.)
template <class T>
__global__ void __launch_bounds__(k_decode_threads, 1)
    attention_decode_combine(decode_problem<T> p, decode_split by,
                             simt::global<const float> parts) {
  const int lane = int(threadIdx.x) % 32, width = p.size.width;
  const std::int64_t row =
      std::int64_t(blockIdx.x) * k_decode_warps + std::int64_t(threadIdx.x) / 32;
  if (row >= p.size.rows()) return;
  const std::int64_t matrix = row / p.size.queries;
  const int query = int(row % p.size.queries), batch = int(matrix / p.size.query_heads());
  const int last = p.last_of(query, p.length_of(batch)), splits = by.splits_of(last);
  if (by.is_direct(last)) return;
  // -0 and whatever is added to it are that.
  float most = -INFINITY, l = -0.0f, o[k_decode_width / 32] = {-0.0f, -0.0f, -0.0f, -0.0f};
  for (int s = lane; s < splits; s += 32)
    most = simt::max_nan(most, parts[part_at(p.size, by, row, s)]);
  for (int away = 16; away > 0; away /= 2)
    most = simt::max_nan(most, __shfl_xor_sync(0xffffffffu, most, away));
  for (int first = 0; first < splits; first += 32) {
    float factor = 0, sum = 0;
    if (first + lane < splits) {
      const std::int64_t part = part_at(p.size, by, row, first + lane);
      factor = most == -INFINITY ? 0.0f : math::exp(parts[part] - most);
      sum = parts[part + 1];
    }
    for (int i = 0; i < 32 && first + i < splits; ++i) {
      const float f = __shfl_sync(0xffffffffu, factor, i);
      l = fmaf(f, __shfl_sync(0xffffffffu, sum, i), l);
      const std::int64_t part = part_at(p.size, by, row, first + i) + 2;
      SIMT_UNROLL
      for (int c = 0; c < k_decode_width / 32; ++c)
        if (lane + 32 * c < width) o[c] = fmaf(f, parts[part + lane + 32 * c], o[c]);
    }
  }
  const float inverse = most != -INFINITY ? 1.0f / l : 0.0f;
  const auto to = p.o.at(batch, query, int(matrix % p.size.query_heads()));
  SIMT_UNROLL
  for (int c = 0; c < k_decode_width / 32; ++c)
    if (lane + 32 * c < width) to[lane + 32 * c] = simt::from_float<T>(o[c] * inverse);
  if (lane == 0) p.lse[row] = decode_lse(most, l);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
