// Is a row of numbers all numbers?
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace assay::properties {

inline bool all_finite(std::span<const double> row) {
  return std::all_of(row.begin(), row.end(), [](double x) { return std::isfinite(x); });
}

}  // namespace assay::properties
