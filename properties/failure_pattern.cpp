// Where failed elements stand, in words: the pattern is often the diagnosis (a tail that was not
// written, one lane of a warp, one row of a tile).

#include "properties/compare.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace assay::properties {
namespace {

using coordinates = std::vector<std::int64_t>;

coordinates coordinates_of(std::int64_t index, const std::vector<dimension>& shape) {
  coordinates at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const std::int64_t extent = std::max<std::int64_t>(shape[d].extent, 1);
    at[d] = index % extent;
    index /= extent;
  }
  return at;
}

// The largest modulus by which all values leave the same rest: the greatest common divisor of their
// differences. 1 where so few values would agree by chance more often than once in a thousand.
std::int64_t common_modulus(const std::set<std::int64_t>& values) {
  std::int64_t modulus = 0;
  for (const std::int64_t v : values) modulus = std::gcd(modulus, v - *values.begin());
  const double chance = std::pow(double(modulus), 1 - double(values.size()));
  return chance < 1e-3 ? modulus : 1;
}

// What the failed elements' coordinates in one dimension have in common; empty where nothing.
std::string common_in(const dimension& d, const std::set<std::int64_t>& values) {
  const std::int64_t first = *values.begin(), last = *values.rbegin();
  const auto count = std::int64_t(values.size());
  if (count == d.extent) return "";
  if (count == 1) return fmt::format("{} = {}", d.name, first);
  if (last - first + 1 == count) return fmt::format("{} from {} to {}", d.name, first, last);
  if (const std::int64_t m = common_modulus(values); m > 1)
    return fmt::format("{} % {} == {}", d.name, m, first % m);
  return "";
}

std::vector<std::string> common_in_all(const std::vector<std::int64_t>& at,
                                       const std::vector<dimension>& shape) {
  std::vector<std::set<std::int64_t>> values(shape.size());
  for (std::int64_t index : at) {
    const coordinates c = coordinates_of(index, shape);
    for (std::size_t d = 0; d < shape.size(); ++d) values[d].insert(c[d]);
  }
  std::vector<std::string> found;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (std::string text = common_in(shape[d], values[d]); !text.empty())
      found.push_back(std::move(text));
  return found;
}

// The numbers of the rows that the elements fill; empty where one of them is not filled.
std::vector<std::int64_t> whole_rows(const std::vector<std::int64_t>& at, std::int64_t row) {
  std::vector<std::int64_t> rows;
  if (row < 2 || std::int64_t(at.size()) % row != 0) return rows;
  for (std::size_t i = 0; i < at.size(); i += std::size_t(row)) {
    if (at[i] % row != 0 || at[i + std::size_t(row) - 1] != at[i] + row - 1) return {};
    rows.push_back(at[i] / row);
  }
  return rows;
}

}  // namespace

std::string position_of(std::int64_t index, const std::vector<dimension>& shape) {
  return fmt::format("{}", fmt::join(coordinates_of(index, shape), ", "));
}

std::string pattern_of(const verdict& v, const std::vector<dimension>& shape) {
  std::vector<std::int64_t> at = v.failed_at;
  std::vector<dimension> dimensions = shape;
  if (dimensions.empty()) dimensions.push_back({"index", v.elements});
  if (at.empty()) return "none";
  if (v.failed == v.elements) return fmt::format("all {}", v.elements);
  std::int64_t failed = v.failed, of = v.elements;
  std::string what;
  const bool all_kept = std::int64_t(at.size()) == v.failed;
  if (const std::int64_t row = dimensions.back().extent; dimensions.size() > 1 && all_kept)
    if (const std::vector<std::int64_t> rows = whole_rows(at, row); !rows.empty()) {
      at = rows, failed /= row, of /= row, what = " rows";
      dimensions.pop_back();
    }
  if (all_kept && failed > 1 && at.back() == of - 1 && at.back() - at.front() + 1 == failed)
    return fmt::format("the last {} of {}{}", failed, of, what);
  const std::vector<std::string> common = common_in_all(at, dimensions);
  if (failed == 1)
    return fmt::format("one{}, at {}", what.empty() ? "" : " row", fmt::join(common, ", "));
  const std::string kept = all_kept ? "" : fmt::format("of the first {} ", at.size());
  if (common.empty()) return fmt::format("{}{}, {}without a pattern", failed, what, kept);
  return fmt::format("{}{}, {}all {}", failed, what, kept, fmt::join(common, ", "));
}

}  // namespace assay::properties
