// Rows of scores under an added mask, as the kernels have them: sums rounded to fp32 before
// anything else happens to them, and what that rounding does to the results.
#pragma once

#include "properties/arithmetic.hpp"
#include "reference/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <type_traits>
#include <vector>

namespace assay::properties {

struct added_row {
  std::vector<double> scores;  // as the kernels hold them
  std::vector<double> off;     // each may be so far from x + m
};

// Each sum is off by half an ULP, unless fp32 holds it. (The model of the rest starts from the
// rounded sums themselves: what they are off by shifts every exponent once, however often a kernel
// rescales.)
template <class Arithmetic>
added_row add_mask(const Arithmetic& a, std::span<const double> x, std::span<const double> mask) {
  added_row row;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const bool masked = mask[j] == -reference::k_infinity;
    row.scores.push_back(masked ? mask[j] : reference::round(reference::k_fp32, x[j] + mask[j]));
    double off = 0;
    if constexpr (std::is_same_v<Arithmetic, running>)
      off = masked ? 0 : a.add(a.exact(x[j]), a.exact(mask[j])).after;
    row.off.push_back(off);
  }
  return row;
}

// How far softmax(scores) may lie from softmax(x + m), element by element. With |d_j| <= off_j
//
//   p_j(s + d) = p_j(s) e^(d_j) / sum p_k(s) e^(d_k),
//
// and |log of the sum| <= D = log(sum p_k(s) e^(off_k)) on either side (of -off_k by Jensen's
// inequality): |p_j(s + d) - p_j(s)| <= p_j(s) (e^(off_j + D) - 1), and never more than 1.
inline std::vector<double> shifts_of(const added_row& row) {
  const std::span<const double> s(row.scores);
  if (reference::kind_of_row(s) != reference::row_kind::ordinary)
    return std::vector<double>(s.size(), 0);
  constexpr double k_doubles = 1 + 0x1p-27;  // covers the roundings in double here
  const std::vector<double> p = reference::softmax(s), log_p = reference::log_softmax(s);
  double excess = 0;
  for (std::size_t k = 0; k < p.size(); ++k)
    if (row.off[k] > 0) excess += std::exp(log_p[k]) * std::expm1(row.off[k]);
  const double common = std::log1p(excess) * k_doubles;
  std::vector<double> shifts;
  for (std::size_t j = 0; j < p.size(); ++j) {
    const double by = row.off[j] + common;
    const double shift =
        by < 1 ? p[j] * std::expm1(by) * k_doubles : std::exp(log_p[j] + by) * k_doubles;
    shifts.push_back(log_p[j] == -reference::k_infinity ? 0 : shift <= 1 ? shift : 1);
  }
  return shifts;
}

}  // namespace assay::properties
