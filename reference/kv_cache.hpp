// The cache of a sequence's keys, or of its values: rows in the order of the tokens. A sequence of
// `length` tokens has rows 0, 1, ..., length - 1 of a cache with room for `capacity` of them; the
// rows of new tokens go behind those.
//
// In pages the cache of all sequences is so many pages of `tokens` rows each. A sequence's table
// has an entry for each of its stretches of `tokens` rows: the page where that lies. No page takes
// new rows of two sequences, or of one in two places.
//
// Policies: a length outside [0, capacity] is the end of that which is nearer; a row for which
// there is no room, or whose entry is no page, goes nowhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

namespace assay::reference {

/// The row that new token `i` goes to.
inline std::optional<std::int64_t> appended_at(std::int64_t i, std::int64_t length,
                                               std::int64_t capacity) {
  const std::int64_t at = std::clamp<std::int64_t>(length, 0, capacity) + i;
  return at < capacity ? std::optional(at) : std::nullopt;
}

/// The new token whose row is row `at` once `count` of them are appended.
inline std::optional<std::int64_t> appended_from(std::int64_t at, std::int64_t count,
                                                 std::int64_t length, std::int64_t capacity) {
  const std::int64_t i = at - std::clamp<std::int64_t>(length, 0, capacity);
  return i >= 0 && i < count && at < capacity ? std::optional(i) : std::nullopt;
}

struct paged_row {
  std::int64_t page, token;
};

/// Where row `at` of a sequence lies, by its entries of the table.
inline std::optional<paged_row> on_page(std::int64_t at, std::int64_t tokens, std::int64_t pages,
                                        std::span<const std::int64_t> entries) {
  const std::int64_t page = entries[std::size_t(at / tokens)];
  return page >= 0 && page < pages ? std::optional(paged_row{page, at % tokens}) : std::nullopt;
}

}  // namespace assay::reference
