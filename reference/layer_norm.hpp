// Layer norm of a row of n numbers (Ba, Kiros, Hinton, "Layer normalization", arXiv:1607.06450),
// and its gradients:
//
//   mean = sum_j x_j / n          variance = sum_j (x_j - mean)^2 / n
//   rstd = 1 / sqrt(variance + eps)
//   xhat_j = (x_j - mean) rstd    y_j = gamma_j xhat_j + beta_j
//
//   dx_j = rstd (w_j - sum_k w_k / n - xhat_j sum_k w_k xhat_k / n),  w_j = gamma_j dy_j
//   dgamma_j = sum over rows of dy_j xhat_j       dbeta_j = sum over rows of dy_j
//
// The gradients are functions of x, dy, gamma, mean and rstd as they are given: xhat is what the
// given mean and rstd make of x.
//
// Policies: where variance + eps is 0 (a constant row, eps = 0) rstd is 0, so that y is beta, which
// is the limit for eps -> 0, and dx is 0; PyTorch has NaN. A row that has a NaN or an infinity has
// no mean, rstd or y: all are NaN. A row of no elements has mean and variance 0.
#pragma once

#include "reference/exact.hpp"
#include "reference/special.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace assay::reference {

/// Mean and 1 / sqrt(variance + eps) of a row.
template <real R>
struct row_statistics {
  R mean;
  R rstd;
};

template <real R>
row_statistics<R> statistics_of_row(std::span<const R> x, const R& eps) {
  if (!std::all_of(x.begin(), x.end(), [](const R& each) { return is_finite(each); }))
    return {R(k_nan), R(k_nan)};
  const R n(double(std::max<std::size_t>(x.size(), 1)));
  R sum(0), squares(0);
  for (const R& each : x) sum = sum + each;
  const R mean = sum / n;
  for (const R& each : x) squares = squares + (each - mean) * (each - mean);
  const R v = squares / n + eps;
  return {mean, v == R(0) ? R(0) : R(R(1) / special<R>::sqrt(v))};
}

/// xhat of a row, from statistics that are given.
template <real R>
std::vector<R> normalized(std::span<const R> x, const row_statistics<R>& given) {
  std::vector<R> xhat;
  for (const R& each : x) xhat.push_back(R((each - given.mean) * given.rstd));
  return xhat;
}

template <real R>
std::vector<R> layer_norm(std::span<const R> x, std::span<const R> gamma, std::span<const R> beta,
                          const R& eps) {
  std::vector<R> y = normalized(x, statistics_of_row(x, eps));
  for (std::size_t j = 0; j < y.size(); ++j) y[j] = gamma[j] * y[j] + beta[j];
  return y;
}

/// dx of a row.
template <real R>
std::vector<R> layer_norm_gradient(std::span<const R> dy, std::span<const R> x,
                                   std::span<const R> gamma, const row_statistics<R>& given) {
  const R n(double(std::max<std::size_t>(x.size(), 1)));
  const std::vector<R> xhat = normalized(x, given);
  R sum(0), dot(0);
  for (std::size_t j = 0; j < x.size(); ++j) {
    sum = sum + gamma[j] * dy[j];
    dot = dot + gamma[j] * dy[j] * xhat[j];
  }
  std::vector<R> dx;
  for (std::size_t j = 0; j < x.size(); ++j)
    dx.push_back(R(given.rstd * (gamma[j] * dy[j] - sum / n - xhat[j] * (dot / n))));
  return dx;
}

// R0 with bounds of its own error, u = 2^-53, for numbers of at most 24 bits. Every sum is Sum2 or
// carries what Sum2 carries, so that no bound grows with n u.

struct layer_norm_results {
  approximation mean, rstd;
  std::vector<approximation> y;
};

/// The mean is kept as two doubles, within e = O(n u^2 mean |x|) of the exact one. An element's
/// distance from it has an error of its own, below 4 u |x_j - mean|, and e in common with all
/// others; as the exact distances sum to 0, what is common adds n e^2 to the sum of squares and, to
/// first order, nothing. The rest are a quotient, a square root and products, u each.
layer_norm_results layer_norm_with_error(std::span<const double> x, std::span<const double> gamma,
                                         std::span<const double> beta, double eps);

/// Truths of dx, for a row: w is exact, xhat has 2 u, each term of the second sum 3 u, the sums
/// what Sum2 leaves, and each further operation u of the magnitudes that it combines.
std::vector<approximation> layer_norm_gradient_with_error(std::span<const double> dy,
                                                          std::span<const double> x,
                                                          std::span<const double> gamma,
                                                          const row_statistics<double>& given);

/// dgamma of a channel, from its column of dy and of x, and the statistics of each row: terms have
/// 3 u, their sum what Sum2 leaves.
approximation layer_norm_gamma_gradient(std::span<const double> dy, std::span<const double> x,
                                        std::span<const row_statistics<double>> given);

/// The sum of a column: dbeta. Sum2.
approximation sum_with_error(std::span<const double> terms);

}  // namespace assay::reference
