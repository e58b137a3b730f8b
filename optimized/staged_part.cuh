// A row of a matrix in shared memory, or a part of one: brought there by cp.async in words of 16
// bytes that go where they lie, wherever a row begins, its ends element by element.
#pragma once

#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_staged_threads = 512;
// Of what is staged of a row: two blocks of the widest fit into 227 KiB. Of 16 bits that holds a
// row of 53,248.
inline constexpr std::int64_t k_staged_bytes = 104 * 1024;

// A part of a row, of `count` columns from `first` on, which lies `lead` elements behind a multiple
// of 16 bytes, in global memory and, from its own beginning on, in shared memory. `first` is a
// multiple of what 16 bytes hold, so that all parts of a row have one lead.
template <class T>
struct staged_part {
  static constexpr int k_word = 16 / int(sizeof(T));

  simt::shared<T> memory;
  int lead = 0, count = 0;
  std::int64_t first = 0;

  SIMT_DEVICE int words() const { return (lead + count + k_word - 1) / k_word; }
  SIMT_DEVICE bool is_whole(int word) const {
    return word * k_word >= lead && (word + 1) * k_word <= lead + count;
  }
  // each(column of the part, place in memory) of a word that is not whole.
  template <class Each>
  SIMT_DEVICE void each_of(int word, const Each& each) const {
    for (int e = 0; e < k_word; ++e) {
      const int at = word * k_word + e, column = at - lead;
      if (column >= 0 && column < count) each(column, at);
    }
  }

  SIMT_DEVICE void load(simt::global<const T> row) const {
    for (int w = int(threadIdx.x); w < words(); w += k_staged_threads) {
      if (is_whole(w))
        simt::cp_async<16>(memory + w * k_word, row + (first + w * k_word - lead));
      else
        each_of(w, [&](int column, int at) { memory[at] = T(row[first + column]); });
    }
    simt::cp_async_wait_all();
    __syncthreads();  // everybody's words are there
  }
  SIMT_DEVICE void store(simt::global<T> row) const {
    __syncthreads();  // everybody's results are there
    for (int w = int(threadIdx.x); w < words(); w += k_staged_threads) {
      if (is_whole(w)) {
        const uint4 word = simt::view<uint4>(memory)[w];
        simt::store_cs(simt::view<uint4>(row + (first + w * k_word - lead)), word);
      } else {
        each_of(w, [&](int column, int at) { row[first + column] = T(memory[at]); });
      }
    }
  }
  SIMT_DEVICE float score(int column) const { return simt::to_float(T(memory[lead + column])); }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
