// What the kernels of attention share: where heads lie in memory, and which keys a query sees.
//
// Query heads come in groups that share a head of keys and values: query head h * group + g goes
// with head h of the keys.
#pragma once

#include "optimized/attention_bias.cuh"
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
  // Where a row's number stands in [batch, query heads, queries]: its log-sum-exp, for one.
  SIMT_DEVICE std::int64_t row_at(int b, int head, int query) const {
    return (std::int64_t(b) * query_heads() + head) * queries + query;
  }
};

// Keys [first, last), or queries.
struct key_span {
  int first, last;
};
SIMT_DEVICE bool holds(const key_span& span, int i) { return i >= span.first && i < span.last; }

// Masks by position, of one batch. Query i stands over key i + ahead, and sees `left` keys before
// that and `right` behind it; keys from `length` on are padding.
struct batch_mask {
  static constexpr int k_all = -1;
  int left = k_all, right = k_all;
  int ahead = 0, queries = 0, length = 0;

  // The keys that a query sees, within [0, length]; empty spans have first >= last.
  SIMT_DEVICE key_span seen(int query) const {
    const int own = query + ahead;
    key_span span{0, length};
    if (left != k_all && own > left) span.first = own - left;
    if (right != k_all && length - own > right) span.last = own + right + 1;
    if (span.last < 0) span.last = 0;
    return span;
  }
  // The queries that see a key, within [0, queries].
  SIMT_DEVICE key_span seers(int key) const {
    if (key >= length) return {queries, 0};
    const int below = key - ahead;
    key_span span{0, queries};
    if (right != k_all && below > right) span.first = below - right;
    if (left != k_all && queries - below > left) span.last = below + left + 1;
    if (span.last < 0) span.last = 0;
    return span;
  }
};

// What a query before `past` sees; there is none from there on.
SIMT_DEVICE key_span seen_before(const batch_mask& mask, int query, int past) {
  return query < past ? mask.seen(query) : key_span{0, 0};
}

// The same of all batches, whose lengths lie in memory where there is padding.
struct position_mask {
  batch_mask all;
  bool padded = false;
  simt::global<const std::int32_t> lengths{};

  // Reads a length; it holds whatever that says.
  SIMT_DEVICE batch_mask of(int batch) const {
    batch_mask one = all;
    if (!padded) return one;
    const int length = lengths[batch];
    if (length < one.length) one.length = length > 0 ? length : 0;
    return one;
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
  score_bias<T> bias;
  float scale = 1;  // of scores; flash_mma: times log2(e)
};

// Everything that a kernel of its gradients is given: lse and deltas are [batch, query heads,
// queries], a delta is the product of a row of o with one of its gradient.
template <class T>
struct attention_gradient_problem {
  head_rows<const T> q, k, v, o, grad;
  head_rows<T> dq, dk, dv;
  simt::global<const float> lse;
  simt::global<float> deltas;
  attention_size size;
  position_mask mask;
  score_bias<T> bias;
  float scale = 1;
};

}  // namespace assay::optimized::inline ASSAY_BUILD
