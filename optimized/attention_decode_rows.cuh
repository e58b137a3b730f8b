// What the kernels of decoding share: where the keys of a sequence lie, and what a query sees of
// them.
#pragma once

#include "optimized/attention_rows.cuh"

#include <cmath>

namespace assay::optimized::inline ASSAY_BUILD {

// Where a key lies: in the cache's first two dimensions, batch and place, or page and place on it.
// first < 0: nowhere.
struct key_place {
  int first, second;
};

// Which page of the cache holds a batch's keys [page * i, page * (i + 1)): entry i of its row of
// the table. An entry that is no page leads nowhere: those keys and values are NaN. Without a
// table, a batch's keys lie one after the other.
struct page_table {
  simt::global<const std::int32_t> entries{};
  int page = 0, slots = 0, pages = 0;  // keys of a page; entries of a row; 0: there is no table

  SIMT_DEVICE bool used() const { return slots > 0; }
  SIMT_DEVICE int checked(int entry) const { return entry < pages ? entry : -1; }
  SIMT_DEVICE key_place of(int batch, int key) const {
    if (!used()) return {batch, key};
    return {checked(entries[std::int64_t(batch) * slots + key / page]), key % page};
  }
};

// Everything that a kernel of decoding is given. size.keys: what the cache holds of each batch.
template <class T>
struct decode_problem {
  head_rows<const T> q, k, v;
  head_rows<T> o;
  simt::global<float> lse;
  simt::global<const std::int32_t> lengths;
  attention_size size;
  page_table table;
  float scale = 1;

  // The queries that share a head of keys are rows 0, 1, ...: groups of the first query, of the
  // next, ...
  SIMT_HOST_DEVICE std::int64_t rows_of_head() const {
    return std::int64_t(size.queries) * size.group;
  }
  // Keys of a batch, the newest queries' own included.
  SIMT_DEVICE int length_of(int batch) const {
    const int length = lengths[batch];
    return length < 0 ? 0 : length < size.keys ? length : size.keys;
  }
  // A query sees the keys before this one.
  SIMT_DEVICE int last_of(int query, int length) const {
    const int last = length - size.queries + query + 1;
    return last > 0 ? last : 0;
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
