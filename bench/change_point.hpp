// Where a series changed its level for good.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace assay::bench {

struct change_point {
  std::size_t at = 0;  // the first value of the new level
  double p = 1;
  double before = 0, after = 0;  // medians, between the neighbouring change points
};

// Pettitt's statistic (1979), the largest Mann-Whitney statistic over all ways to cut a series in
// two, against its distribution over 1,999 random orders of the same values (always the same
// orders); where it is significant the series is cut there, and each part is searched the same way.
// A level that differs by less than 2 % is no change.
//
// Error rate: the first test of a series is an exact permutation test, and no other is made where
// it finds nothing. So a series whose order means nothing (no change, whatever the noise's
// distribution) gets any mark at all with probability at most `level`. In ascending order.
inline constexpr double k_change_level = 0.01;
std::vector<change_point> change_points(std::span<const double> series,
                                        double level = k_change_level);

}  // namespace assay::bench
