// Scores under a causal mask: what a query does not see is -infinity.
//
// Bottom-right aligned: the last query sees every key, and each before it one key less, so that of
// more queries than keys the first see none.
//
// Policies: what is visible is as it was, NaN, infinities and the signs of zeros too; what is not
// is not looked at, and a NaN there is -infinity. (Adding a matrix of 0 and -infinity leaves it
// NaN: a difference.)
#pragma once

#include "reference/exact.hpp"
#include "reference/real.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::reference {

/// No fewer keys from this one to the last than queries from that one to theirs.
inline bool is_visible(std::int64_t query, std::int64_t key, std::int64_t queries,
                       std::int64_t keys) {
  return keys - key >= queries - query;
}

/// Of any number of matrices [queries, keys], one behind another.
template <real R>
std::vector<R> causal_mask(std::span<const R> x, std::int64_t queries, std::int64_t keys) {
  std::vector<R> y;
  for (std::int64_t i = 0; i < std::int64_t(x.size()); ++i)
    y.push_back(is_visible(i / keys % queries, i % keys, queries, keys) ? x[std::size_t(i)]
                                                                        : R(-k_infinity));
  return y;
}

}  // namespace assay::reference
