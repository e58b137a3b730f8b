// Exponentials of a row in R0, with bounds of their errors: what softmax and attention rest on.
#pragma once

#include "reference/exact.hpp"
#include "reference/softmax.hpp"
#include "reference/special.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::reference::detail {

inline constexpr double k_u = k_unit_roundoff<double>;
inline constexpr double k_q = special<double>::k_error;
inline constexpr double k_products = 1 + 0x1p-20;  // of errors with errors
inline constexpr double k_lost = 0x1p-1000;        // what underflow may take, with room

/// e^(t_j) of a row, t_j <= 0, and what follows from them. The largest is 1.
struct exponentials {
  std::vector<double> t, e, error;  // error: relative, of e
  double rest = 0;                  // sum of e without the 1 of a largest one
  double rest_error = 0;            // absolute

  double sum() const { return 1 + rest; }
  double sum_error() const { return rest_error / sum() + k_u; }  // relative
};

/// From the exponents of an ordinary row, and what each is off by at most: by d, and its
/// exponential is off by e^d - 1, relative. Of the largest nothing is off.
inline exponentials exponentials_of(std::vector<double> t, const std::vector<double>& off) {
  exponentials all;
  all.t = std::move(t);
  const auto largest = std::size_t(std::max_element(all.t.begin(), all.t.end()) - all.t.begin());
  std::vector<double> others;
  for (std::size_t j = 0; j < all.t.size(); ++j) {
    all.e.push_back(exp_or_zero(all.t[j]));
    const bool exact = all.e[j] == 0 || (all.t[j] == 0 && off[j] == 0);
    all.error.push_back(exact ? 0 : (std::expm1(off[j]) + k_q) * k_products);
    if (j == largest) continue;
    others.push_back(all.e[j]);
    all.rest_error += all.e[j] * all.error[j] + k_lost;
  }
  const double n = double(all.t.size());
  all.rest = sum2(others);
  all.rest_error += all.rest * (k_u + n * n * k_u * k_u);
  return all;
}

}  // namespace assay::reference::detail
