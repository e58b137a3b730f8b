// Where the bound is used up: the fractions that the elements of an output use of theirs, gathered
// in blocks of a contract's map of two dimensions (contract.hpp, element_map).
#pragma once

#include "properties/contract.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace assay::properties {

// A block of the map that judged elements stand in.
struct fraction_cell {
  std::int64_t row = 0, column = -1;  // the block's; column: -1 where its elements have none
  double worst_fraction = 0;
  std::int64_t elements = 0;
};

struct fraction_map {
  std::string rows, columns;                     // dimensions
  std::int64_t row_block = 1, column_block = 1;  // how much of them a block spans
  std::vector<fraction_cell> cells;              // by row, then by column
};

// The size of blocks of which there are so many at most: a power of two, so that tiles of a kernel
// are whole ones, or halves.
std::int64_t map_block(std::int64_t extent, std::int64_t most);

// Rows are many; which column an element belongs to may have to be told from its error, and that
// tells few apart.
inline constexpr std::int64_t k_most_row_blocks = 32, k_most_column_blocks = 8;

// What each element uses of its bound; NaN where it is not judged. As `compare` has it.
std::vector<double> fractions_of(const reference::format& out, std::span<const double> got,
                                 const truth& expected, const bound_of& bound,
                                 const comparison_policy& policy);

fraction_map map_fractions(const element_map& map, const case_inputs& inputs,
                           const std::vector<truth>& exact,
                           const std::vector<std::vector<double>>& got, std::size_t output,
                           std::span<const double> fractions);

}  // namespace assay::properties
