// What is added to the scores of attention, and which pairs of a query and a key are not there for
// another reason than their positions (attention_rows.cuh).
#pragma once

#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr float k_float_log2_e = 0x1.715476p+0f;
inline constexpr int k_live_block = 64;

//   table   a number for each query head, query and key; -infinity: the pair is not there
//   slopes  of each query head, times how far the key lies before the query's own, is taken away
//   blocks  pairs in blocks of 64 queries and keys that are not live are not there
enum class bias_kind { none, table, slopes, blocks };

// Of one query head.
template <class T>
struct head_bias {
  bias_kind kind = bias_kind::none;
  simt::global<const T> table{};            // [queries, keys]
  simt::global<const std::int32_t> live{};  // [queries, keys] in blocks
  float slope = 0;
  int keys = 0, ahead = 0;

  SIMT_DEVICE bool adds() const { return kind == bias_kind::table || kind == bias_kind::slopes; }
  // May single pairs of a tile be gone?
  SIMT_DEVICE bool hides_some() const { return kind == bias_kind::table; }
  SIMT_DEVICE bool is_dead(int query, int key) const {
    const int blocks = (keys + k_live_block - 1) / k_live_block;
    return kind == bias_kind::blocks &&
           live[std::int64_t(query / k_live_block) * blocks + key / k_live_block] == 0;
  }
  // What a score is given; -infinity: the pair is not there.
  SIMT_DEVICE float of(int query, int key) const {
    if (kind == bias_kind::table) return simt::to_float(table[std::int64_t(query) * keys + key]);
    if (kind == bias_kind::slopes) return -slope * float(query + ahead - key);
    return is_dead(query, key) ? -INFINITY : 0.0f;
  }
  SIMT_DEVICE bool hides(int query, int key) const {
    return kind != bias_kind::slopes && of(query, key) == -INFINITY;
  }
  // The first of `first`, `first + step`, ... below `last` whose tile is not dead; else `last` or
  // more. `place(i)` is the query and the key that tile i begins with.
  template <class Place>
  SIMT_DEVICE int next_live(int first, int last, int step, const Place& place) const {
    while (first < last && is_dead(place(first).query, place(first).key)) first += step;
    return first;
  }
};

struct pair_place {
  int query, key;
};

// Of all heads. table: [query heads, queries, keys]; slopes: [query heads].
template <class T>
struct score_bias {
  head_bias<T> first;  // of head 0
  simt::global<const float> slopes{};
  int queries = 0;

  SIMT_DEVICE head_bias<T> of(int head) const {
    head_bias<T> one = first;
    if (one.kind == bias_kind::table)
      one.table = one.table + std::int64_t(head) * queries * one.keys;
    if (one.kind == bias_kind::slopes) one.slope = slopes[head];
    return one;
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
