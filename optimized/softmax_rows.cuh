// Rows of scores: how much of each is seen, and how a thread reads 16 bytes' worth of one.
#pragma once

#include "optimized/row_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

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
  load_group<T, Bytes>(row, first, visible, x, -INFINITY);
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
