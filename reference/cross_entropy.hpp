// Cross-entropy of a row of logits x and its target t, and its gradient:
//
//   loss = log sum_k e^(x_k) - x_t = -log_softmax(x)_t
//   dx_j = softmax(x)_j - [j = t]
//
// Over a batch the losses of the rows that count are added up, or averaged; the gradient is then
// scaled by what that does to a row.
//
// Policies: a negative target is ignored: its row counts nothing, its loss and its gradient are 0,
// whatever its logits are. (PyTorch's ignore_index is -100.) A target that is no column makes its
// row NaN. A target whose logit is -infinity has a loss of infinity, in a row of nothing else too,
// whose shares are 0, as softmax.hpp has it. The mean of no rows is 0, and so are its gradients;
// PyTorch gives NaN: a difference.
#pragma once

#include "reference/softmax.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::reference {

/// One row: its loss, and its gradient unscaled.
template <class Number>
struct entropy_row {
  Number loss;
  std::vector<Number> gradient;
};

namespace detail {

/// The policy for a row whose target is none, if it is.
template <class Number>
bool has_no_target(std::size_t columns, std::int64_t target, entropy_row<Number>& row) {
  if (target >= 0 && target < std::int64_t(columns)) return false;
  const double value = target < 0 ? 0 : k_nan;
  const auto number = [&] {
    if constexpr (real<Number>)
      return Number(value);
    else
      return Number{value, 0};
  }();
  row = {number, std::vector<Number>(columns, number)};
  return true;
}

}  // namespace detail

template <real R>
entropy_row<R> cross_entropy(std::span<const R> x, std::int64_t target) {
  entropy_row<R> row;
  if (detail::has_no_target(x.size(), target, row)) return row;
  row.loss = R(-log_softmax(x)[std::size_t(target)]);
  row.gradient = softmax(x);
  row.gradient[std::size_t(target)] = row.gradient[std::size_t(target)] - R(1);
  return row;
}

/// R0: the errors that softmax.hpp states; the difference from 1 rounds once more.
inline entropy_row<approximation> cross_entropy_with_error(std::span<const double> x,
                                                           std::int64_t target) {
  entropy_row<approximation> row;
  if (detail::has_no_target(x.size(), target, row)) return row;
  const auto at = std::size_t(target);
  const approximation logarithm = log_softmax_with_error(x)[at];
  row.loss = {-logarithm.value, logarithm.error};
  row.gradient = softmax_with_error(x);
  approximation& own = row.gradient[at];
  own.value -= 1;
  if (is_finite(own.value)) own.error += k_unit_roundoff<double> * std::abs(own.value);
  return row;
}

/// What the losses come to, of which `counted` rows count: their sum, or their mean.
template <real R>
R total_loss(std::span<const R> losses, std::int64_t counted, bool mean) {
  if (mean && counted == 0) return R(0);
  R sum(0);
  for (const R& each : losses) sum = sum + each;
  return mean ? R(sum / R(double(counted))) : sum;
}

/// R0: by Sum2, with the losses' own errors; a quotient rounds once more.
inline approximation total_loss_with_error(std::span<const approximation> losses,
                                           std::int64_t counted, bool mean) {
  if (mean && counted == 0) return {0, 0};
  std::vector<double> values;
  double error = 0, magnitude = 0;
  for (const approximation& each : losses) {
    values.push_back(each.value);
    error += each.error;
    magnitude += std::abs(each.value);
  }
  constexpr double k_u = k_unit_roundoff<double>;
  const double sum = sum2(values), n = double(losses.size()), by = mean ? double(counted) : 1;
  if (!is_finite(sum)) return {sum, 0};
  return {
      sum / by,
      (error * (1 + n * k_u) + 2 * k_u * std::abs(sum) + 2 * n * n * k_u * k_u * magnitude) / by};
}

}  // namespace assay::reference
