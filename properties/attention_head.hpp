// What a gradient of attention is of, head by head of the keys: gathered from the inputs of a case.
#pragma once

#include "properties/attention_shape.hpp"
#include "reference/attention_gradient.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace assay::properties {

// One head of keys, and the rows of the queries that share it: group after group, in each all
// queries.
class attention_head {
 public:
  attention_head(const attention_variant& of, const case_inputs& in, std::int64_t batch,
                 std::int64_t head);
  attention_head(const attention_head&) = delete;

  reference::attention_results<double> results;
  // Of a row here, that of q; of a key, that of k.
  std::int64_t row_of_query(std::int64_t row) const;
  std::int64_t row_of_key(std::int64_t key) const;

 private:
  attention_shape shape_;
  std::int64_t batch_, head_;
  std::vector<double> q_, o_, grad_, lse_, bias_;
  std::vector<reference::key_range> seen_;
};

// Where o and lse come from: the forward pass in double, rounded, by IEEE operations alone.
void make_attention_results(const attention_variant& of, case_inputs& in);

// Calls take(head) for every head of keys in a case.
template <class Take>
void for_each_head(const attention_variant& of, const case_inputs& in, const Take& take) {
  const attention_shape shape = attention_shape::of(in.id);
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t h = 0; h < shape.heads; ++h) take(attention_head(of, in, b, h));
}

// dq, dk and dv of a case, from those that gradients_of(head) gives of every head: each row put
// where its query or key stands.
template <class T, class GradientsOf>
reference::attention_gradients<T> gradients_of_heads(const attention_variant& of,
                                                     const case_inputs& in,
                                                     const GradientsOf& gradients_of) {
  const attention_shape shape = attention_shape::of(in.id);
  const auto width = std::size_t(shape.width),
             keys = std::size_t(shape.batch * shape.keys * shape.heads) * width;
  reference::attention_gradients<T> all{std::vector<T>(std::size_t(shape.rows()) * width),
                                        std::vector<T>(keys), std::vector<T>(keys)};
  const auto put = [&](std::vector<T>& to, std::int64_t row, const std::vector<T>& from,
                       std::int64_t at) {
    std::copy_n(from.begin() + at * shape.width, width, to.begin() + row * shape.width);
  };
  for_each_head(of, in, [&](const attention_head& head) {
    const reference::attention_gradients<T> one = gradients_of(head.results);
    for (std::int64_t r = 0; r < head.results.q.count; ++r)
      put(all.dq, head.row_of_query(r), one.dq, r);
    for (std::int64_t j = 0; j < head.results.k.count; ++j) {
      put(all.dk, head.row_of_key(j), one.dk, j);
      put(all.dv, head.row_of_key(j), one.dv, j);
    }
  });
  return all;
}

}  // namespace assay::properties
