// What the kernels of attention share: where heads lie in memory, and which keys a query sees.
//
// Query heads come in groups that share a head of keys and values: query head h * group + g goes
// with head h of the keys.
#pragma once

#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

// Rows of one width: of batch b, token i and head h, `head` apart, `token` apart, `batch` apart.
template <class T>
struct head_rows {
  simt::global<T> first;
  std::int64_t batch = 0, token = 0, head = 0;  // elements

  SIMT_DEVICE simt::global<T> at(std::int64_t b, std::int64_t i, std::int64_t h) const {
    return first + (b * batch + i * token + h * head);
  }
};

struct attention_size {
  int batch = 0, queries = 0, keys = 0, heads = 0, group = 0, width = 0;  // heads: of the keys

  SIMT_HOST_DEVICE int query_heads() const { return heads * group; }
  // One softmax each.
  SIMT_HOST_DEVICE std::int64_t rows() const {
    return std::int64_t(batch) * query_heads() * queries;
  }
};

// Keys [first, last).
struct key_span {
  int first, last;
};

// Masks by position. Query i stands over key i + keys - queries, and sees `left` keys before that
// and `right` behind it; of each batch, the keys from its length on are padding.
struct position_mask {
  static constexpr int k_all = -1;
  int left = k_all, right = k_all;
  int ahead = 0, keys = 0;  // ahead: keys - queries
  bool padded = false;
  simt::global<const std::int32_t> lengths{};

  // Within [0, keys], whatever the lengths say; empty spans have first >= last.
  SIMT_DEVICE key_span seen(int batch, int query) const {
    const int own = query + ahead;
    key_span span{0, keys};
    if (left != k_all && own > left) span.first = own - left;
    if (right != k_all && keys - own > right) span.last = own + right + 1;
    if (padded) {
      const int length = lengths[batch];
      if (length < span.last) span.last = length;
    }
    if (span.last < 0) span.last = 0;
    return span;
  }
};

// Everything that a kernel of attention is given. lse: [batch, query heads, queries].
template <class T>
struct attention_problem {
  head_rows<const T> q, k, v;
  head_rows<T> o;
  simt::global<float> lse;
  attention_size size;
  position_mask mask;
  float scale = 1;  // of scores; flash_mma: times log2(e)

  SIMT_DEVICE std::int64_t lse_at(int b, int head, int query) const {
    return (std::int64_t(b) * size.query_heads() + head) * size.queries + query;
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
