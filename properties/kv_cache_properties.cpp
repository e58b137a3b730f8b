#include "properties/kv_cache_properties.hpp"

#include "properties/kv_cache_places.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::properties {
namespace {

// Where row `j` of `got` is not row `i` of `wanted`, or nothing.
std::string rows_differ(const std::vector<double>& got, std::int64_t j,
                        const std::vector<double>& wanted, std::int64_t i, std::int64_t row) {
  for (std::int64_t d = 0; d < row; ++d) {
    const double is = got[std::size_t(j * row + d)], should = wanted[std::size_t(i * row + d)];
    if (!reference::same(is, should))
      return fmt::format("element {} of row {} is {:a}, and should be {:a}", d, j, is, should);
  }
  return {};
}

std::string broken_rest(const subject& s) {
  const std::vector<double> after = s.outputs()[0].got;
  const std::int64_t row = cache_shape::of(s.inputs().id).row;
  const std::vector<std::int64_t> news = new_rows_of_places(s.inputs());
  for (std::size_t j = 0; j < news.size(); ++j) {
    if (news[j] >= 0) continue;
    const std::string what =
        rows_differ(after, std::int64_t(j), s.inputs().values[k_cache], std::int64_t(j), row);
    if (!what.empty()) return what;
  }
  return {};
}

// The new rows in two parts, one after the other.
std::string broken_parts(const subject& s) {
  const case_inputs& in = s.inputs();
  const cache_shape of = cache_shape::of(in.id);
  const auto part = [&](std::int64_t first, std::int64_t count) {
    case_inputs some = in;
    for (field& each : some.id.shape)
      if (each.key == "q") each.value = count;
    some.values[k_new_rows].clear();
    for (std::int64_t b = 0; b < of.batch; ++b) {
      const auto begin = in.values[k_new_rows].begin() + (b * of.news + first) * of.row;
      some.values[k_new_rows].insert(some.values[k_new_rows].end(), begin, begin + count * of.row);
    }
    return some;
  };
  const std::int64_t before = of.news / 3;
  case_inputs rest = part(before, of.news - before);
  rest.values[k_cache] = s.outputs(part(0, before))[0].got;
  for (double& length : rest.values[of.lengths()])
    length = std::min(std::clamp(length, 0.0, double(of.room)) + double(before), double(of.room));
  return unlike(s.outputs(), s.outputs(rest));
}

// Into an empty cache, whatever is in it.
std::string broken_beginning(const subject& s) {
  case_inputs empty = s.inputs();
  const cache_shape of = cache_shape::of(empty.id);
  std::fill(empty.values[of.lengths()].begin(), empty.values[of.lengths()].end(), -1);
  const std::vector<double> after = s.outputs(empty)[0].got;
  for (std::int64_t b = 0; b < of.batch; ++b)
    for (std::int64_t i = 0; i < std::min(of.news, of.room); ++i) {
      const std::string what =
          rows_differ(after, b * of.room + i, empty.values[k_new_rows], b * of.news + i, of.row);
      if (!what.empty()) return fmt::format("batch {}: {}", b, what);
    }
  return {};
}

// Every batch's cache in one piece, as far as it is on pages, takes the same new rows.
std::string broken_pages(const subject& s) {
  const case_inputs& paged = s.inputs();
  const cache_shape of = cache_shape::of(paged.id);
  case_inputs whole = paged;
  whole.id.variant = "append";
  std::erase_if(whole.id.types, [](const tensor_type& each) { return each.name == "table"; });
  std::erase_if(whole.id.shape, [](const field& each) {
    return each.key == "pages" || each.key == "page" || each.key == "slots";
  });
  whole.id.shape.insert(whole.id.shape.begin() + 2, {"k", of.room});
  whole.values[k_cache].assign(std::size_t(of.batch * of.room * of.row), 0);
  whole.values.erase(whole.values.begin() + k_cache_table);
  const std::vector<double> in_one_piece = s.with_function(whole).outputs()[0].got,
                            in_pages = s.outputs()[0].got;
  const std::vector<std::int64_t> there = places_of_new_rows(whole),
                                  here = places_of_new_rows(paged);
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (here[i] < 0) continue;
    const std::string what = rows_differ(in_pages, here[i], in_one_piece, there[i], of.row);
    if (!what.empty()) return what;
  }
  return {};
}

}  // namespace

void add_append_properties(contract& c) {
  c.properties = {{"what no new row takes is as it was", broken_rest},
                  {"appending in two steps is appending at once", broken_parts}};
  if (c.variant == k_append_paged)
    c.properties.push_back({"a cache in one piece takes the same new rows", broken_pages});
  else
    c.properties.push_back({"an empty cache begins with the new rows", broken_beginning});
}

}  // namespace assay::properties
