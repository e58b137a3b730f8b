// A cache in pages, and the same in one piece.
//
//   q       [batch, q, heads, group, d]     table    [batch, slots]
//   k, v    [pages, page, heads, d]         lengths  [batch]
//
// Entry i of a batch's row of the table is the page with its keys [page i, page (i + 1)).
#pragma once

#include "properties/contract.hpp"

#include <cstddef>

namespace assay::properties {

inline constexpr std::size_t k_table = 3, k_paged_lengths = 4;

// The case of attention.decode.fwd, or the inputs of one, with the keys that the table names in
// their places, slots * page of each batch. What is on no page is NaN.
case_id contiguous_id(const case_id& paged);
case_inputs gathered(const case_inputs& paged);

}  // namespace assay::properties
