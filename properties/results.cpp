#include "properties/results.hpp"

#include "reference/round.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::properties {

std::string same_bits(const std::vector<double>& left, const std::vector<double>& right) {
  for (std::size_t i = 0; i < left.size(); ++i)
    if (!reference::same(left[i], right[i]))
      return fmt::format("element {}: {:a} is now {:a}", i, left[i], right[i]);
  return {};
}

std::vector<double> reversed(const std::vector<double>& all, std::size_t pieces) {
  std::vector<double> turned(all.size());
  const std::size_t size = pieces == 0 ? 0 : all.size() / pieces;
  for (std::size_t p = 0; p < pieces; ++p)
    std::copy_n(all.begin() + std::ptrdiff_t(p * size), size,
                turned.begin() + std::ptrdiff_t((pieces - 1 - p) * size));
  return turned;
}

}  // namespace assay::properties
