// The Euclidean norm of all gradients, and the factor by which they are clipped (Pascanu, Mikolov,
// Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1):
//
//   norm = sqrt(sum of g^2 over all parameters)      factor = min(1, limit / norm)
//
// Policies: a norm of 0 clips nothing, whatever the limit. An infinite gradient makes the norm
// infinite, a NaN makes it NaN; a norm that is no number or infinite has a factor of NaN: what it
// multiplies is then NaN, and nothing is clipped to a number that nobody computed.
#pragma once

#include "reference/exact.hpp"
#include "reference/special.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace assay::reference {

template <real R>
R global_norm(std::span<const R> gradients) {
  R sum(0);
  for (const R& g : gradients) sum = sum + g * g;
  return special<R>::sqrt(sum);
}

/// What gradients of this norm are multiplied by.
template <real R>
R clipping_factor(const R& norm, const R& limit) {
  if (!is_finite(norm)) return R(k_nan);
  return norm > limit ? R(limit / norm) : R(1);
}

/// R0, of numbers of at most 24 bits: the sum by Dot2, of which each square is exact, with the
/// error that it states. |sqrt s - sqrt s'| = |s - s'| / (sqrt s + sqrt s') <= |s - s'| / sqrt s'.
inline approximation global_norm_with_error(std::span<const double> gradients) {
  const approximation squares = dot2(gradients, gradients);
  if (!is_finite(squares.value)) return squares;
  if (squares.value == 0) return {0, 0};
  constexpr double k_u = k_unit_roundoff<double>;
  const double norm = std::sqrt(squares.value);
  return {norm, (1 + 8 * k_u) * (squares.error / norm + 2 * k_u * norm)};
}

/// R0: with an error of min(1, q) that is at most that of q.
inline approximation clipping_factor_with_error(const approximation& norm, double limit) {
  const double factor = clipping_factor(norm.value, limit);
  if (!is_finite(norm.value) || norm.value + norm.error <= limit) return {factor, 0};
  if (norm.value == 0) return {factor, 0};
  constexpr double k_u = k_unit_roundoff<double>;
  const double least = norm.value - norm.error, quotient = limit / least;
  return {factor, (1 + 8 * k_u) * quotient * (norm.error / norm.value + 2 * k_u)};
}

}  // namespace assay::reference
