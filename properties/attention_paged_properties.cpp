#include "properties/attention_decode_pages.hpp"
#include "properties/attention_decode_properties.hpp"
#include "properties/attention_relations.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::properties {
namespace {

std::string broken_by_gathering(const subject& s) {
  return unlike(s.outputs(), s.with_function(gathered(s.inputs())).outputs());
}

// Pages in the opposite order, and a table that says so.
std::string broken_by_moving(const subject& s) {
  const std::int64_t pages = s.inputs().id.dimension("pages");
  case_inputs moved = s.inputs();
  for (const std::size_t t : {k_keys, k_values}) {
    const std::vector<double>& from = s.inputs().values[t];
    const std::int64_t page = pages > 0 ? std::int64_t(from.size()) / pages : 0;
    for (std::int64_t i = 0; i < pages; ++i)
      std::copy_n(from.begin() + i * page, page, moved.values[t].begin() + (pages - 1 - i) * page);
  }
  for (double& entry : moved.values[k_table]) entry = double(pages) - 1 - entry;
  return unlike(s.outputs(), s.outputs(moved));
}

std::int64_t used_slots(const case_inputs& in, std::int64_t batch) {
  const std::int64_t slots = in.id.dimension("slots"), page = in.id.dimension("page"),
                     length = std::int64_t(in.values[k_paged_lengths][std::size_t(batch)]);
  return page > 0 ? (std::clamp<std::int64_t>(length, 0, slots * page) + page - 1) / page : 0;
}

// NaN wherever no sequence has a key, and entries of no page, or of a strange one, where none is
// needed.
std::string broken_blindness(const subject& s) {
  const case_inputs& in = s.inputs();
  const std::int64_t slots = in.id.dimension("slots"), page = in.id.dimension("page"),
                     pages = in.id.dimension("pages"),
                     row = in.id.dimension("heads") * in.id.dimension("d");
  std::vector<bool> used(std::size_t(pages * page));
  case_inputs other = in;
  for (std::int64_t b = 0; b < in.id.dimension("batch"); ++b)
    for (std::int64_t i = 0; i < slots; ++i) {
      double& entry = other.values[k_table][std::size_t(b * slots + i)];
      const auto length = std::int64_t(in.values[k_paged_lengths][std::size_t(b)]);
      for (std::int64_t j = i * page; j < std::min(length, (i + 1) * page) && pages > 0; ++j)
        used[std::size_t(std::int64_t(entry) * page + j % page)] = true;
      if (i >= used_slots(in, b)) entry = i % 2 == 0 ? -1 : 0x1p31 - 1;
    }
  for (const std::size_t t : {k_keys, k_values})
    for (std::size_t j = 0; j < used.size(); ++j)
      if (!used[j])
        std::fill_n(other.values[t].begin() + std::int64_t(j) * row, row, reference::k_nan);
  return unlike(s.outputs(), s.outputs(other));
}

// A batch's last key on a page that there is not: NaN for the queries that see it, the others as
// they were.
std::string broken_by_no_page(const subject& s) {
  const std::int64_t slots = s.inputs().id.dimension("slots"),
                     batches = s.inputs().id.dimension("batch"),
                     row = s.inputs().id.dimension("group") * s.inputs().id.dimension("heads") *
                           s.inputs().id.dimension("d"),
                     queries = s.inputs().id.dimension("q");
  if (row == 0 || queries == 0) return {};
  const bounded_output before = s.outputs()[0];
  for (const double strange : {-1.0, double(s.inputs().id.dimension("pages")), -0x1p31}) {
    case_inputs other = s.inputs();
    std::vector<bool> lost(std::size_t(batches), false);
    for (std::int64_t b = 0; b < batches; b += 2)
      if (const std::int64_t used = used_slots(other, b); used > 0) {
        other.values[k_table][std::size_t(b * slots + used - 1)] = strange;
        lost[std::size_t(b)] = true;
      }
    const bounded_output after = s.outputs(other)[0];
    for (std::int64_t b = 0; b < batches; ++b) {
      const auto last = std::size_t((b + 1) * queries * row - 1);  // of the newest query
      if (lost[std::size_t(b)] && !std::isnan(after.got[last]))
        return fmt::format("page {}: the newest query of batch {} is {}", strange, b,
                           after.got[last]);
      if (lost[std::size_t(b)]) continue;
      if (std::string what = no_number(before, last); !what.empty()) return what;
      if (!reference::same(before.got[last], after.got[last]))
        return fmt::format("page {} of another batch: {:a} is now {:a}", strange, before.got[last],
                           after.got[last]);
    }
  }
  return {};
}

}  // namespace

void add_paged_properties(contract& c) {
  c.properties = {
      {"a cache in pages is that cache in one piece, bit for bit", broken_by_gathering},
      {"no bit depends on where pages lie", broken_by_moving},
      {"what no sequence has changes no bit", broken_blindness},
      {"a page that there is not is NaN for those who see it", broken_by_no_page},
  };
}

}  // namespace assay::properties
