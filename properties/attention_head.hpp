// What a gradient of attention is of, head by head of the keys: gathered from the inputs of a case.
#pragma once

#include "properties/attention_shape.hpp"
#include "reference/attention_gradient.hpp"

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
  std::vector<double> q_, o_, grad_, lse_;
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

// Puts rows of `width`, one behind the other in `from`, where `place(row)` says.
template <class T, class Place>
void scatter_rows(std::vector<T>& to, const std::vector<T>& from, std::int64_t width,
                  const Place& place) {
  for (std::int64_t r = 0; width > 0 && r < std::int64_t(from.size()) / width; ++r)
    for (std::int64_t d = 0; d < width; ++d)
      to[std::size_t(place(r) * width + d)] = from[std::size_t(r * width + d)];
}

}  // namespace assay::properties
