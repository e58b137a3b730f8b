#include "properties/fraction_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

namespace assay::properties {

std::int64_t map_block(std::int64_t extent, std::int64_t most) {
  std::int64_t block = 1;
  while (block * most < extent) block *= 2;
  return block;
}

std::vector<double> fractions_of(const reference::format& out, std::span<const double> got,
                                 const truth& expected, const bound_of& bound,
                                 const comparison_policy& policy) {
  std::vector<double> all(got.size(), reference::k_nan);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const element_truth t = expected.at(i);
    const judged_bound judged = bound(i, t);
    const bool unbounded = !(judged.bound.limit < reference::k_infinity);
    if (!judged.in_domain || (unbounded && !policy.unbounded_fails)) continue;
    all[i] = fraction_of(measured(out, got[i], t, judged.bound.before_rounding), judged.bound);
  }
  return all;
}

fraction_map map_fractions(const element_map& map, const case_inputs& inputs,
                           const std::vector<truth>& exact,
                           const std::vector<std::vector<double>>& got, std::size_t output,
                           std::span<const double> fractions) {
  fraction_map made{map.rows,
                    map.columns,
                    map_block(inputs.id.dimension(map.rows), k_most_row_blocks),
                    map_block(inputs.id.dimension(map.columns), k_most_column_blocks),
                    {}};
  const std::vector<map_place> places =
      map.places({inputs, exact, got, made.row_block, made.column_block}, output);
  if (places.size() != fractions.size())
    throw std::logic_error(fmt::format("{}: a map of {} elements for an output of {}",
                                       inputs.id.function(), places.size(), fractions.size()));
  std::map<std::pair<std::int64_t, std::int64_t>, fraction_cell> cells;
  for (std::size_t i = 0; i < fractions.size(); ++i) {
    if (std::isnan(fractions[i])) continue;
    const std::int64_t row = places[i].row / made.row_block,
                       column = places[i].column < 0 ? -1 : places[i].column / made.column_block;
    fraction_cell& cell =
        cells.try_emplace({row, column}, fraction_cell{row, column}).first->second;
    cell.worst_fraction = std::max(cell.worst_fraction, fractions[i]);
    ++cell.elements;
  }
  for (const auto& [at, cell] : cells) made.cells.push_back(cell);
  return made;
}

}  // namespace assay::properties
