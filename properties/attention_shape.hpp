// The tensors of attention in a case: their sizes, where a row of each begins, what each query
// sees.
//
//   q, o  [batch, q, heads, group, d]     k, v  [batch, k, heads, d]
//   lse   [batch, heads, group, q]
//
// Backward, o and lse are inputs, and do, the gradient of o, is like it; dq, dk and dv are like q,
// k and v.
//
// `heads` are those of the keys, each shared by `group` heads of queries.
#pragma once

#include "properties/model.hpp"
#include "reference/attention.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace assay::properties {

struct attention_variant {
  std::string name;
  std::string sees = {};  // what a query sees, in words
  bool causal = false, window = false, padding = false;

  // Of the inputs of its gradients, which is which.
  std::size_t o() const { return padding ? 4 : 3; }
  std::size_t lse() const { return o() + 1; }
  std::size_t grad() const { return o() + 2; }
};

// Inputs in the contract's order.
inline constexpr std::size_t k_queries = 0, k_keys = 1, k_values = 2, k_lengths = 3;

// Query `i` of head `head`, group `group`.
struct attention_row {
  std::int64_t batch = 0, query = 0, head = 0, group = 0;
};

struct attention_shape {
  std::int64_t batch = 0, queries = 0, keys = 0, heads = 0, group = 0, width = 0;

  static attention_shape of(const case_id& id);

  std::int64_t rows() const { return batch * queries * heads * group; }
  // Rows in the order of o; where one's log-sum-exp stands.
  attention_row row(std::int64_t r) const;
  std::int64_t lse_at(const attention_row& at) const;
  std::span<const double> query(const case_inputs& in, std::int64_t r) const {
    return std::span(in.values[k_queries]).subspan(std::size_t(r * width), std::size_t(width));
  }
  // Keys or values of a row's head, all of them.
  reference::head_matrix<double> head(const std::vector<double>& tensor,
                                      const attention_row& at) const;
};

// What a case's rows see. Under padding, lengths are those of the inputs.
reference::attention_mask mask_of(const attention_variant& of, const case_inputs& in,
                                  std::int64_t batch);

// One query, and the keys and values that it sees.
struct seen_row {
  attention_row at;
  reference::key_range range;
  std::span<const double> q;
  reference::head_matrix<double> keys, values;
};
seen_row seen_by(const attention_variant& of, const attention_shape& shape, const case_inputs& in,
                 std::int64_t row);

// The scale of scores: the exact one as nearly as double has it, and how far that may be off,
// relative.
struct attention_scale {
  double value = 1, error = 0;
};
attention_scale scale_of(const case_inputs& in);

}  // namespace assay::properties
