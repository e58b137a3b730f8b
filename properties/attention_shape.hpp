// The tensors of attention in a case: their sizes, where a row of each begins, what each query
// sees.
//
//   q, o  [batch, q, heads, group, d]     k, v  [batch, k, heads, d]
//   lse   [batch, heads, group, q]
//
// and, of variants that have one, a fourth input:
//
//   lengths  [batch], padding: keys from there on are not seen
//   slopes   [heads, group], alibi (Press et al. 2022): a score loses `slope` for each key between
//            the query's own and this one
//   bias     [heads, group, q, k], bias: added to the scores; a pair with -infinity is not there
//   live     [q/64, k/64], blocks: pairs in blocks that are not live are not there
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
  std::string sees = {};   // what a query sees, in words
  const char* added = "";  // to its scores
  bool causal = false, window = false, padding = false, alibi = false, bias = false, blocks = false;
  bool decode = false;  // causal, of sequences that have `lengths` keys each

  bool has_lengths() const { return padding || decode; }

  bool has_fourth() const { return has_lengths() || alibi || bias || blocks; }
  // Are there numbers to be added to scores?
  bool adds() const { return alibi || bias; }
  bool is_dense() const { return !causal && !window && !has_fourth(); }
  // Of the inputs of its gradients, which is which.
  std::size_t o() const { return has_fourth() ? 4 : 3; }
  std::size_t lse() const { return o() + 1; }
  std::size_t grad() const { return o() + 2; }
};

// Inputs in the contract's order.
inline constexpr std::size_t k_queries = 0, k_keys = 1, k_values = 2, k_fourth = 3;
inline constexpr std::int64_t k_live_block = 64;

// Is the block that this query and this key lie in live? Of a case with such blocks.
bool is_live(const case_inputs& in, std::int64_t query, std::int64_t key);

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

// What a case's rows see by position. Under padding, lengths are those of the inputs.
reference::attention_mask mask_of(const attention_variant& of, const case_inputs& in,
                                  std::int64_t batch);

// So many keys a batch has: as many as there is room for, or the length of its sequence. (Padding
// is a mask, and moves no query.)
std::int64_t keys_of(const attention_variant& of, const case_inputs& in, std::int64_t batch);

// What is added to the scores of a query with the keys of a range, exactly; -infinity: the pair is
// not there. Empty: nothing.
std::vector<double> biases_of(const attention_variant& of, const case_inputs& in,
                              const attention_row& at, const reference::key_range& range);

// One query, and the keys and values from the first that it sees to the last.
struct seen_row {
  attention_row at;
  reference::key_range range;
  std::span<const double> q;
  reference::head_matrix<double> keys, values;
  std::vector<double> bias;  // one a key; empty: none

  // Of the range's keys: is this one there; how many are.
  bool is_there(std::int64_t j) const { return reference::is_there(std::span(bias), j); }
  std::int64_t count() const;
  // The same of a key of the case.
  bool sees(std::int64_t key) const {
    return key >= range.first && key < range.last && is_there(key - range.first);
  }
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
