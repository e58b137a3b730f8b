// Attention of the newest tokens of a sequence against a cache of its keys and values, and how
// attention over parts of the keys is put together.
//
// Of a sequence whose cache holds `length` keys, the newest queries' own included, query i of
// `queries` stands over key length - queries + i and sees the keys up to that one: a causal mask
// over `length` keys (attention_mask), whatever else the cache has room for.
//
// Of the results over the parts of any division of the keys (Dao et al. 2023, "Flash-Decoding"),
//
//   lse = log sum_s e^(lse_s),   o = sum_s e^(lse_s - lse) o_s
//
// Policies: a length outside [0, capacity] is the end of that which is nearer; the rest is
// attention's (attention.hpp).
#pragma once

#include "reference/attention.hpp"

namespace assay::reference {

/// The keys of a sequence in a cache with room for so many.
inline std::int64_t cached_keys(std::int64_t length, std::int64_t capacity) {
  return std::clamp<std::int64_t>(length, 0, capacity);
}

/// `parts` of one width, at least one. A part whose lse is -infinity adds nothing.
template <real R>
attended<R> combined(std::span<const attended<R>> parts) {
  std::vector<R> lses;
  for (const attended<R>& each : parts) lses.push_back(each.lse);
  const row_kind kind = kind_of_row(std::span<const R>(lses));
  const bool undefined = kind == row_kind::undefined;
  attended<R> result{std::vector<R>(parts.front().o.size(), R(undefined ? k_nan : 0)),
                     R(undefined ? k_nan : -k_infinity)};
  if (kind != row_kind::ordinary) return result;
  const std::vector<R> t = exponents(std::span<const R>(lses), R(1));
  const R rest = detail::sum_beyond_largest(std::span<const R>(t)), sum = R(1) + rest;
  for (std::size_t s = 0; s < parts.size(); ++s) {
    if (t[s] == R(-k_infinity)) continue;
    const R weight = detail::exp_or_zero(t[s]) / sum;
    for (std::size_t d = 0; d < result.o.size(); ++d)
      result.o[d] = result.o[d] + weight * parts[s].o[d];
  }
  result.lse = *std::max_element(lses.begin(), lses.end()) + special<R>::log1p(rest);
  return result;
}

}  // namespace assay::reference
