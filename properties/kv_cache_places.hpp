// Caches of keys or values, in one piece and in pages, and where new rows go in them.
//
//   cache  [batch, k, heads, d], or [pages, page, heads, d]     table    [batch, slots], paged
//   alone rows   [batch, q, heads, d]                                 lengths  [batch]
#pragma once

#include "properties/model.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::properties {

inline constexpr std::size_t k_cache = 0, k_new_rows = 1, k_cache_table = 2;
inline constexpr const char* k_append_paged = "append_paged";  // the variant

// Of batches, or pages, `held`, each of so many tokens; a batch has room for `room` of them.
struct cache_shape {
  bool paged;
  std::int64_t batch, news, held, tokens, room, row;  // row: elements of a token, over all heads

  static cache_shape of(const case_id& id);
  std::size_t lengths() const { return paged ? 3 : 2; }  // which input they are
  std::int64_t new_rows() const { return batch * news; }
};

// The token of the cache, over all of its batches or pages, that each new row goes to; -1: none.
std::vector<std::int64_t> places_of_new_rows(const case_inputs& in);

// The other way round: the new row that each token of the cache takes; -1: none.
std::vector<std::int64_t> new_rows_of_places(const case_inputs& in);

// Makes no page of entries for new rows whose page an entry before takes some on already.
void give_pages_one_writer(case_inputs& in);

}  // namespace assay::properties
