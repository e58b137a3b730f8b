#include "properties/kv_cache_places.hpp"

#include "reference/kv_cache.hpp"

#include <set>

namespace assay::properties {
namespace {

// The entries of a batch's row of the table.
std::vector<std::int64_t> entries_of(const case_inputs& in, std::int64_t batch) {
  const std::int64_t slots = in.id.dimension("slots");
  const auto first = in.values[k_cache_table].begin() + batch * slots;
  return {first, first + slots};
}

}  // namespace

cache_shape cache_shape::of(const case_id& id) {
  const bool paged = id.variant == k_append_paged;
  const std::int64_t batch = id.dimension("batch"), tokens = id.dimension(paged ? "page" : "k");
  return {paged,
          batch,
          id.dimension("q"),
          paged ? id.dimension("pages") : batch,
          tokens,
          paged ? tokens * id.dimension("slots") : tokens,
          id.dimension("heads") * id.dimension("d")};
}

std::vector<std::int64_t> places_of_new_rows(const case_inputs& in) {
  const cache_shape of = cache_shape::of(in.id);
  std::vector<std::int64_t> places;
  for (std::int64_t b = 0; b < of.batch; ++b) {
    const auto length = std::int64_t(in.values[of.lengths()][std::size_t(b)]);
    const auto entries = of.paged ? entries_of(in, b) : std::vector<std::int64_t>();
    for (std::int64_t i = 0; i < of.news; ++i) {
      const auto at = reference::appended_at(i, length, of.room);
      if (!at || !of.paged) {
        places.push_back(at ? b * of.tokens + *at : -1);
        continue;
      }
      const auto on = reference::on_page(*at, of.tokens, of.held, entries);
      places.push_back(on ? on->page * of.tokens + on->token : -1);
    }
  }
  return places;
}

std::vector<std::int64_t> new_rows_of_places(const case_inputs& in) {
  const cache_shape of = cache_shape::of(in.id);
  std::vector<std::int64_t> rows(std::size_t(of.held * of.tokens), -1);
  const std::vector<std::int64_t> places = places_of_new_rows(in);
  for (std::size_t i = 0; i < places.size(); ++i)
    if (places[i] >= 0) rows[std::size_t(places[i])] = std::int64_t(i);
  return rows;
}

void give_pages_one_writer(case_inputs& in) {
  const cache_shape of = cache_shape::of(in.id);
  const std::int64_t slots = in.id.dimension("slots");
  std::set<double> taken;
  for (std::int64_t b = 0; b < of.batch; ++b) {
    const auto length = std::int64_t(in.values[of.lengths()][std::size_t(b)]);
    std::set<std::int64_t> written;
    for (std::int64_t i = 0; i < of.news; ++i)
      if (const auto at = reference::appended_at(i, length, of.room))
        written.insert(*at / of.tokens);
    for (const std::int64_t slot : written) {
      double& entry = in.values[k_cache_table][std::size_t(b * slots + slot)];
      if (!taken.insert(entry).second) entry = -1;
    }
  }
}

}  // namespace assay::properties
