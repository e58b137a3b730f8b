// Norms of lists of numbers, and how far apart two are.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace assay::gpt2 {

inline double sum_of_squares(std::span<const double> values) {
  double sum = 0;
  for (const double each : values) sum += each * each;
  return sum;
}

inline double norm(std::span<const double> values) { return std::sqrt(sum_of_squares(values)); }

// Of two lists of one length: the norm of their difference.
inline double distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// Relative to the norm of what is exact, unless that is 0.
inline double relative_distance(std::span<const double> got, std::span<const double> exact) {
  const double size = norm(exact);
  return size > 0 ? distance(got, exact) / size : distance(got, exact);
}

}  // namespace assay::gpt2
