// Rows of scores in memory: where they lie, how much of each is seen, and how a thread reads and
// writes 16 bytes' worth of one.
#pragma once

#include "optimized/matrix_rows.cuh"
#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

// Elements in 16 bytes.
template <class T>
inline constexpr int k_row_group = 16 / int(sizeof(T));

// Which rows there are, and how far each is seen: of row r the first `visible(r)` scores, the
// others are not read. Rows come in matrices of `queries`, in which masks are the same.
struct softmax_rows {
  std::int64_t count = 0, length = 0;
  std::int64_t queries = 1;
  bool causal = false;
  std::int64_t ahead = 0;  // causal: keys before the first query's own, length - queries
  bool padded = false;
  simt::global<const std::int32_t> lengths{};  // padded: of each matrix how many keys it has

  // Whatever the lengths say, from 0 to `length`.
  SIMT_DEVICE std::int64_t visible(std::int64_t row) const {
    if (!causal && !padded) return length;
    const std::int64_t seen =
        causal ? row % queries + 1 + ahead : std::int64_t(std::int32_t(lengths[row / queries]));
    return seen < 0 ? 0 : seen > length ? length : seen;
  }
};

// A group of a row from element `first` on: -infinity from `visible` on.
template <class T, int Bytes>
SIMT_DEVICE void load_scores(simt::global<const T> row, std::int64_t first, std::int64_t visible,
                             float (&x)[k_row_group<T>]) {
  using part = elements<T, Bytes>;
  SIMT_UNROLL
  for (int w = 0; w < k_row_group<T>; w += part::k_count) {
    const std::int64_t here = visible - (first + w);
    part in{};
    if (here > 0) in = load_part<T, Bytes>(row + (first + w), here);
    SIMT_UNROLL
    for (int e = 0; e < part::k_count; ++e) x[w + e] = e < here ? in.value[e] : -INFINITY;
  }
}

// Writes a group of results, as far as the row goes.
template <class T, int Bytes>
SIMT_DEVICE void store_results(simt::global<T> row, std::int64_t first, std::int64_t length,
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

// Scores as they stand in memory.
template <class T>
struct plain_scores {
  using type = T;
  matrix_rows<const T> x;

  template <int Bytes>
  SIMT_DEVICE void load(std::int64_t row, std::int64_t first, std::int64_t visible,
                        float (&s)[k_row_group<T>]) const {
    load_scores<T, Bytes>(x[row], first, visible, s);
  }
  SIMT_DEVICE float at(std::int64_t row, std::int64_t j) const {
    return simt::to_float(T(x[row][j]));
  }
};

// Scores to which a mask is added, one for all matrices, rounded to fp32. -infinity in the mask
// masks whatever stands there, NaN too.
template <class T>
struct masked_scores {
  using type = T;
  matrix_rows<const T> x, mask;
  std::int64_t queries;

  template <int Bytes>
  SIMT_DEVICE void load(std::int64_t row, std::int64_t first, std::int64_t visible,
                        float (&s)[k_row_group<T>]) const {
    float m[k_row_group<T>];
    load_scores<T, Bytes>(x[row], first, visible, s);
    load_scores<T, Bytes>(mask[row % queries], first, visible, m);
    SIMT_UNROLL
    for (int e = 0; e < k_row_group<T>; ++e) s[e] = sum(s[e], m[e]);
  }
  SIMT_DEVICE float at(std::int64_t row, std::int64_t j) const {
    return sum(simt::to_float(T(x[row][j])), simt::to_float(T(mask[row % queries][j])));
  }

 private:
  SIMT_DEVICE static float sum(float x, float m) { return m == -INFINITY ? m : x + m; }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
