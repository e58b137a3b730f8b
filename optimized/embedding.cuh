// Embedding of tokens and their positions, and its gradients: kernels.
//
//   x[b, i] = tokens[ids[b, i]] + positions[i], or positions[lengths[b] + i] where sequences go on
//   dtokens[n] = sum of dx[b, i] over ids[b, i] = n,   dpositions[i] = sum of dx[b, i] over b
//
// A warp moves 32 words of a row. Rows of a table that nobody asked for get zeros. An id or a
// position that is no row of its table is never followed: its x is NaN, and such an id adds to no
// row of dtokens. Sums are of fp32, from the first token to the last; embedding_add_atomically
// alone leaves the order open.
#pragma once

#include "optimized/matrix_rows.cuh"
#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_embedding_threads = 256;
inline constexpr int k_embedding_warps = k_embedding_threads / 32;

// [batch, length] ids, tables of `tokens` and `positions` rows, all of `width` elements.
struct embedding_size {
  std::int64_t batch = 0, length = 0, tokens = 0, positions = 0, width = 0;

  SIMT_HOST_DEVICE std::int64_t ids() const { return batch * length; }
  SIMT_DEVICE bool has(int id) const { return id >= 0 && id < tokens; }
  SIMT_DEVICE bool has_position(std::int64_t place) const {
    return place >= 0 && place < positions;
  }
};

// This lane's word of a row, where a warp has 32 words and `words` elements make one; past the last
// row or the end of one: inside is false.
struct row_word {
  std::int64_t row, first;
  bool inside;
};

SIMT_HOST_DEVICE std::int64_t warps_of_row(std::int64_t width, int word) {
  return (width + 32 * word - 1) / (32 * word);
}
SIMT_DEVICE row_word word_of_lane(std::int64_t rows, std::int64_t width, int word) {
  const std::int64_t warps = warps_of_row(width, word),
                     warp = std::int64_t(blockIdx.x) * k_embedding_warps + threadIdx.x / 32;
  const std::int64_t first = (warp % warps * 32 + threadIdx.x % 32) * word;
  return {warp / warps, first, warp / warps < rows && first < width};
}

// tokens, positions and x: matrices of rows. Where sequences begin there are no lengths.
template <class T>
struct embedding_problem {
  embedding_size size;
  simt::global<const std::int32_t> ids, lengths;  // [ids], [batch]
  matrix_rows<const T> tokens, positions;
  matrix_rows<T> x;
};

template <class Word>
SIMT_DEVICE void add_to(Word& sum, const Word& each) {
  SIMT_UNROLL
  for (int e = 0; e < Word::k_count; ++e) sum.value[e] += each.value[e];
}

template <class T, int Bytes, bool Offset>
__global__ void __launch_bounds__(k_embedding_threads) embedding_gather(embedding_problem<T> p) {
  using word = elements<T, Bytes>;
  const row_word at = word_of_lane(p.size.ids(), p.size.width, word::k_count);
  if (!at.inside) return;
  const std::int64_t here = p.size.width - at.first;
  const int id = p.ids[at.row];
  std::int64_t place = at.row % p.size.length;
  if (Offset) place += int(p.lengths[at.row / p.size.length]);
  word x;
  if (p.size.has(id) && p.size.has_position(place)) {
    x = load_part<T, Bytes, reuse::yes>(p.tokens[id] + at.first, here);
    const word position = load_part<T, Bytes, reuse::yes>(p.positions[place] + at.first, here);
    add_to(x, position);
  } else {
    SIMT_UNROLL
    for (int e = 0; e < word::k_count; ++e) x.value[e] = NAN;
  }
  store_part<T, Bytes>(p.x[at.row] + at.first, x, here);
}

// dx and the gradient of a table.
template <class T>
struct table_gradient {
  matrix_rows<const T> dx;
  matrix_rows<T> table;
  std::int64_t rows, width;
};

// Which rows of dx a row of the table got: places first to last - 1 of a list.
struct listed_rows {
  std::int64_t first, last;
};

// Of the table of positions: row i of every batch.
struct rows_of_positions {
  embedding_size size;

  SIMT_DEVICE listed_rows of(std::int64_t row) const {
    return {0, row < size.length ? size.batch : 0};
  }
  SIMT_DEVICE std::int64_t at(std::int64_t row, std::int64_t place) const {
    return place * size.length + row;
  }
};

// Of the table of tokens: the places of ids in the order of their ids, equal ones as they stand.
struct rows_of_tokens {
  simt::global<const std::int32_t> sorted, firsts;  // [ids], [tokens + 1]

  SIMT_DEVICE listed_rows of(std::int64_t row) const { return {firsts[row], firsts[row + 1]}; }
  SIMT_DEVICE std::int64_t at(std::int64_t, std::int64_t place) const { return sorted[place]; }
};

// A lane adds up its word of every row that its row of the table got, in their order, a few loads
// in flight.
template <class T, int Bytes, class Rows>
__global__ void __launch_bounds__(k_embedding_threads)
    embedding_add_rows(table_gradient<T> p, Rows rows) {
  using word = elements<T, Bytes>;
  constexpr int k_in_flight = 4;
  const row_word at = word_of_lane(p.rows, p.width, word::k_count);
  if (!at.inside) return;
  const std::int64_t here = p.width - at.first;
  const listed_rows all = rows.of(at.row);
  word sum{};
  for (std::int64_t place = all.first; place < all.last; place += k_in_flight) {
    word dx[k_in_flight] = {};  // 0 behind the last
    SIMT_UNROLL
    for (int k = 0; k < k_in_flight; ++k)
      if (place + k < all.last)
        dx[k] = load_part<T, Bytes>(p.dx[rows.at(at.row, place + k)] + at.first, here);
    SIMT_UNROLL
    for (int k = 0; k < k_in_flight; ++k) add_to(sum, dx[k]);
  }
  store_part<T, Bytes>(p.table[at.row] + at.first, sum, here);
}

// The gradient of the tokens as it is written: a thread an element of the table looks at every id.
template <class T>
__global__ void __launch_bounds__(k_embedding_threads)
    embedding_look_through(table_gradient<T> p, simt::global<const std::int32_t> ids,
                           std::int64_t count) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_embedding_threads + threadIdx.x;
  if (i >= p.rows * p.width) return;
  const std::int64_t row = i / p.width, column = i % p.width;
  float sum = 0.0f;
  for (std::int64_t k = 0; k < count; ++k)
    if (ids[k] == row) sum += simt::to_float(T(p.dx[k][column]));
  p.table[row][column] = simt::from_float<T>(sum);
}

// The same by atomics on sums in fp32, [rows, width]: cleared, added to by every token, rounded.
__global__ void __launch_bounds__(k_embedding_threads)
    embedding_clear(matrix_rows<float> sums, std::int64_t rows, std::int64_t width);

template <class T, int Bytes>
__global__ void __launch_bounds__(k_embedding_threads)
    embedding_add_atomically(matrix_rows<const T> dx, matrix_rows<float> sums,
                             simt::global<const std::int32_t> ids, embedding_size size) {
  using word = elements<T, Bytes>;
  const row_word at = word_of_lane(size.ids(), size.width, word::k_count);
  if (!at.inside) return;
  const int id = ids[at.row];
  if (!size.has(id)) return;
  const std::int64_t here = size.width - at.first;
  const word mine = load_part<T, Bytes>(dx[at.row] + at.first, here);
  const auto to = sums[id] + at.first;
  SIMT_UNROLL
  for (int e = 0; e < word::k_count; ++e)
    if (e < here) atomicAdd(&to[e], mine.value[e]);
}

template <class T>
__global__ void __launch_bounds__(k_embedding_threads)
    embedding_round_sums(matrix_rows<const float> sums, table_gradient<T> p) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_embedding_threads + threadIdx.x;
  if (i >= p.rows * p.width) return;
  const std::int64_t row = i / p.width, column = i % p.width;
  p.table[row][column] = simt::from_float<T>(float(sums[row][column]));
}

}  // namespace assay::optimized::inline ASSAY_BUILD
