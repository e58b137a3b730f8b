// Softmax of a row of scores, its logarithm, and their gradients:
//
//   softmax       p_j = e^(t_j) / S,  t_j = (x_j - max x) / temperature,  S = sum_k e^(t_k)
//   log_softmax   l_j = t_j - log S
//   gradients     dx_j = p_j (dp_j - sum_k p_k dp_k) / temperature,  dx_j = dl_j - e^(l_j) sum_k
//   dl_k
//
// (Subtracting the maximum changes nothing, and then nothing overflows.) The gradients are
// functions of the results, as kernels have them. What is masked is left out of the row by whoever
// calls; what may be left in it are scores of -infinity, which masks too.
//
// A mask that is added makes of the scores x_j + m_j, exactly; where m_j is -infinity the score is
// -infinity, whatever x_j is.
//
// Policies: a row that has nothing but -infinity, or nothing at all, gives zeros (log: -infinity);
// a row with a NaN or with +infinity gives NaN. PyTorch gives NaN for the first as well, and for a
// NaN or +infinity under an added -infinity: differences.
#pragma once

#include "reference/exact.hpp"
#include "reference/special.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace assay::reference {

/// How a row of scores is to be taken: as it is, all masked, or with something in it that makes all
/// of it undefined.
enum class row_kind { ordinary, masked, undefined };

template <real R>
row_kind kind_of_row(std::span<const R> x) {
  bool any = false;
  for (const R& each : x) {
    if (is_nan(each) || each == R(k_infinity)) return row_kind::undefined;
    any = any || is_finite(each);
  }
  return any ? row_kind::ordinary : row_kind::masked;
}

/// Exponents t_j of an ordinary row, at most 0. In R0 each carries 2 u |t_j|: the scores are values
/// of at most 24 bits, and a difference and a quotient are rounded.
template <real R>
std::vector<R> exponents(std::span<const R> x, const R& temperature) {
  const R most = *std::max_element(x.begin(), x.end());
  std::vector<R> t;
  for (const R& each : x) t.push_back(R((each - most) / temperature));
  return t;
}

namespace detail {

template <real R>
R exp_or_zero(const R& t) {
  return t == R(-k_infinity) ? R(0) : special<R>::exp(t);
}

/// sum e^(t_k) - 1, without the 1 of a largest element.
template <real R>
R sum_beyond_largest(std::span<const R> t) {
  const auto largest = std::max_element(t.begin(), t.end());
  R rest(0);
  for (auto each = t.begin(); each != t.end(); ++each)
    if (each != largest) rest = rest + exp_or_zero(*each);
  return rest;
}

}  // namespace detail

template <real R>
std::vector<R> softmax(std::span<const R> x, const R& temperature = R(1)) {
  const row_kind kind = kind_of_row(x);
  std::vector<R> p(x.size(), R(kind == row_kind::undefined ? k_nan : 0));
  if (kind != row_kind::ordinary) return p;
  const std::vector<R> t = exponents(x, temperature);
  const R sum = R(1) + detail::sum_beyond_largest(std::span<const R>(t));
  for (std::size_t j = 0; j < t.size(); ++j) p[j] = detail::exp_or_zero(t[j]) / sum;
  return p;
}

/// The scores of a row under a mask that is added.
template <real R>
std::vector<R> added(std::span<const R> x, std::span<const R> mask) {
  std::vector<R> s;
  for (std::size_t j = 0; j < x.size(); ++j)
    s.push_back(mask[j] == R(-k_infinity) ? mask[j] : R(x[j] + mask[j]));
  return s;
}

template <real R>
std::vector<R> log_softmax(std::span<const R> x) {
  const row_kind kind = kind_of_row(x);
  std::vector<R> l(x.size(), R(kind == row_kind::undefined ? k_nan : -k_infinity));
  if (kind != row_kind::ordinary) return l;
  const std::vector<R> t = exponents(x, R(1));
  const R log_sum = special<R>::log1p(detail::sum_beyond_largest(std::span<const R>(t)));
  for (std::size_t j = 0; j < t.size(); ++j) l[j] = t[j] - log_sum;
  return l;
}

template <real R>
std::vector<R> softmax_gradient(std::span<const R> p, std::span<const R> dp,
                                const R& temperature = R(1)) {
  R dot(0);
  for (std::size_t j = 0; j < p.size(); ++j) dot = dot + p[j] * dp[j];
  std::vector<R> dx;
  for (std::size_t j = 0; j < p.size(); ++j) dx.push_back(R(p[j] * (dp[j] - dot) / temperature));
  return dx;
}

template <real R>
std::vector<R> log_softmax_gradient(std::span<const R> l, std::span<const R> dl) {
  R sum(0);
  for (const R& each : dl) sum = sum + each;
  std::vector<R> dx;
  for (std::size_t j = 0; j < l.size(); ++j)
    dx.push_back(R(dl[j] - detail::exp_or_zero(l[j]) * sum));
  return dx;
}

// R0 with bounds of its own error; u = 2^-53, q = special<double>::k_error. Below, 1 + 2^-20 covers
// products of errors, each of which is below 2^-21 where it matters (|t| < 745: beyond, e^t is
// below double's range, and k_lost bounds what underflow takes).

/// Truths of p_j. e_j has relative error a_j = 2 u |t_j| + q, the sum the mean of the a_k weighted
/// by p_k, and 2 u of its own (Sum2, all terms positive); the quotient u.
std::vector<approximation> softmax_with_error(std::span<const double> x, double temperature = 1);

/// The same of x_j + m_j. Each sum is kept as two doubles without error, and so is its distance
/// from the largest: t_j is the sum of four (Sum2: u |t_j| + 2 (4 u)^2 times their magnitudes).
std::vector<approximation> additive_softmax_with_error(std::span<const double> x,
                                                       std::span<const double> mask);

/// Truths of l_j. The error of log S = log1p(rest) is that of rest divided by S, and q log S.
std::vector<approximation> log_softmax_with_error(std::span<const double> x);

/// Truths of dx_j, for p and dp of at most 24 bits: the dot product by Dot2, then three roundings.
std::vector<approximation> softmax_gradient_with_error(std::span<const double> p,
                                                       std::span<const double> dp,
                                                       double temperature = 1);

/// The same for l and dl: the sum by Sum2, e^(l_j) with q, then two roundings.
std::vector<approximation> log_softmax_gradient_with_error(std::span<const double> l,
                                                           std::span<const double> dl);

}  // namespace assay::reference
