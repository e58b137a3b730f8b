// What must hold of every attention whose outputs are means of the values that a query sees,
// whatever its weights are; and what its properties are made of. Each `broken_...` is one of a
// contract's properties (contract::property::broken).
#pragma once

#include "properties/attention_relations.hpp"
#include "properties/attention_shape.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <string>

namespace assay::properties {

// Asks a question of every row that a case has: broken(what it sees, its number); the first answer
// that is not empty.
template <class Broken>
std::string of_rows(const case_inputs& in, const Broken& broken) {
  const attention_variant of = variant_of(in);
  const attention_shape shape = attention_shape::of(in.id);
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const std::string what = broken(seen_by(of, shape, in, r), r);
    if (!what.empty()) return fmt::format("row {}: {}", r, what);
  }
  return {};
}

// An average lies between the least and the largest value of its column.
std::string broken_average(const subject& s);
// The mean of equal values is that value.
std::string broken_constant(const subject& s);
// A key and its value, in one head of one batch, made strange: whoever does not see it does not
// notice.
std::string broken_blindness(const subject& s);
// Keys and values of every head in the opposite order.
std::string broken_permutation(const subject& s);
// Query heads that share a key's head, and the same with a copy of it each.
std::string broken_groups(const subject& s);

}  // namespace assay::properties
