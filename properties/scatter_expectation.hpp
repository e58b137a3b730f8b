// What is expected of one element's error, given its truth and how the model's errors scatter.
#pragma once

#include "reference/round.hpp"

#include <algorithm>
#include <array>

namespace assay::properties {

// Errors as shares of their strict bounds, signed by the truth: the standard deviation, the mean
// with functions that err at random, high and low, and how far that mean may be off. The deviation
// is taken at its upper confidence limit: a chi-square variable of D degrees of freedom lies below
// D - 2 sqrt(D x) with probability e^-x.
struct error_shares {
  double deviation = 0;
  std::array<double, 3> lean{};
  double lean_error = 0;
};

// Of an error, signed by the truth: where the mean may lie, the variance, and the mean square.
struct expectation {
  double mean_low = reference::k_infinity, mean_high = -reference::k_infinity;
  double variance = 0, square = 0;

  void include(double mean, double mean_square) {
    mean_low = std::min(mean_low, mean);
    mean_high = std::max(mean_high, mean);
    variance = std::max(variance, mean_square - mean * mean);
    square = std::max(square, mean_square);
  }
};

// Of an element whose strict bound before the last rounding is `limit`; rounds_last as in
// scatter_model.
expectation expected_of(const reference::format& f, double truth, double limit,
                        const error_shares& spread, bool rounds_last);

}  // namespace assay::properties
