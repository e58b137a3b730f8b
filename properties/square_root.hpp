// The square root as models apply it: correctly rounded, of an argument that carries an error.
#pragma once

#include "properties/arithmetic.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {

// |sqrt a - sqrt c| = |a - c| / (sqrt a + sqrt c) for a from `low` to `high`, whose middle c is: at
// most what it is at the lower end, where the root is steepest. What may be 0 is no further from
// sqrt c than one end of [0, sqrt high].
inline constexpr elementary k_square_root = {
    [](double x) { return std::sqrt(x); },
    [](double low, double high) {
      const double middle = std::sqrt(std::max(0.0, low / 2 + high / 2));
      if (low >= 0) return 1 / (std::sqrt(low) + middle) * (1 + 0x1p-50);
      const double farthest = std::max(middle, std::sqrt(high) - middle);
      return farthest / (high / 2 - low / 2) * (1 + 0x1p-50);
    }};

inline constexpr double k_rounded_once = 0.5;  // ULPs

}  // namespace assay::properties
