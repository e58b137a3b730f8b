// What the properties of attention and of its gradients share: results of two ways to one thing,
// and the variants that are another with its parameters at their ends.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"
#include "properties/property.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace assay::properties {

attention_variant variant_of(const case_inputs& in);

// To eighths up to 4 in magnitude: in every format those, they plus 1, and twice them are exact.
double coarse(double x);

// Rows of a tensor like k in the opposite order, in every head.
template <class T>
void reverse_keys(const case_id& id, std::vector<T>& rows) {
  const attention_shape shape = attention_shape::of(id);
  const std::int64_t row = shape.heads * shape.width;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t j = 0; j < shape.keys / 2; ++j) {
      const auto first = rows.begin() + (b * shape.keys + j) * row;
      std::swap_ranges(first, first + row,
                       rows.begin() + (b * shape.keys + shape.keys - 1 - j) * row);
    }
}

// Of a shared head of keys and values, a copy for every query head.
case_inputs with_copied_heads(const case_inputs& in);

// A causal mask is a window without an end on the left, and so on, bit for bit.
void add_variant_relations(contract& c, const attention_variant& of);

}  // namespace assay::properties
