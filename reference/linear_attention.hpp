// Linear attention (Katharopoulos, Vyas, Pappas, Fleuret, "Transformers are RNNs", ICML 2020,
// equations 4 to 7): of one query against the keys that it sees,
//
//   w_j = phi(q).phi(k_j),   o = sum_j w_j v_j / sum_j w_j,   phi(x) = elu(x) + 1
//
// where phi is x + 1 for x > 0 and e^x for x <= 0, element by element. Weights are sums of
// products, so that sum_j w_j v_j = phi(q) (sum_j phi(k_j) v_j^T): a matrix of all keys serves
// every query. It is not softmax attention, and not an approximation of it: README.md says how far
// it is from that. Which keys a query sees is the caller's business (attention_mask in
// attention.hpp).
//
// Policies: a query that sees nothing, or nothing but weights of 0, gives o = 0; a weight that is
// NaN or +infinity makes o NaN. phi(-infinity) = 0, and no other feature is 0: a weight is 0 where
// in every product an element is -infinity, and then the value is not looked at. Every other weight
// is positive, however small, so that an infinite value makes its column infinite, and two of both
// signs, or a NaN, make it NaN.
#pragma once

#include "reference/attention.hpp"
#include "reference/exact.hpp"
#include "reference/special.hpp"

#include <span>
#include <vector>

namespace assay::reference {

/// Below this a feature is taken as e^this: so a product of two features of numbers is never zero.
template <real R>
inline constexpr double k_least_exponent = -real_traits<R>::k_exponent_range / 2;

/// phi(x). Its relative error is that of special<R>::exp, or of one addition; below
/// k_least_exponent it is off by less than itself.
template <real R>
R linear_feature(const R& x) {
  if (is_nan(x)) return x;
  if (x > R(0)) return x + R(1);
  if (x == R(-k_infinity)) return R(0);
  const R least(k_least_exponent<R>);
  return special<R>::exp(x < least ? least : x);
}

template <real R>
std::vector<R> linear_features(std::span<const R> x) {
  std::vector<R> all;
  for (const R& each : x) all.push_back(linear_feature(each));
  return all;
}

/// From the features of a query and of the keys that it sees.
template <real R>
std::vector<R> linear_weights(std::span<const R> query, const head_matrix<R>& keys) {
  std::vector<R> weights;
  for (std::int64_t j = 0; j < keys.count; ++j) {
    R sum(0);
    const auto key = keys.row(j);
    for (std::size_t d = 0; d < query.size(); ++d) sum = sum + query[d] * key[d];
    weights.push_back(sum);
  }
  return weights;
}

/// What a row of weights is: all numbers, one of them positive; all of them 0; or with one that
/// makes the mean undefined.
template <real R>
row_kind kind_of_weights(std::span<const R> weights) {
  bool any = false;
  for (const R& each : weights) {
    if (!is_finite(each)) return row_kind::undefined;
    any = any || each > R(0);
  }
  return any ? row_kind::ordinary : row_kind::masked;
}

namespace detail {

/// sum_j v_j of the non-finite ones among values of positive weight; 0 where all are finite.
template <real R>
R beyond_numbers_weighted(std::span<const R> weights, const head_matrix<R>& values,
                          std::int64_t column) {
  R sum(0);
  for (std::int64_t j = 0; j < values.count; ++j) {
    const R& v = values.row(j)[std::size_t(column)];
    if (weights[std::size_t(j)] > R(0) && !is_finite(v)) sum = sum + v;
  }
  return sum;
}

}  // namespace detail

/// The mean of the values by these weights, as many as there are values.
template <real R>
std::vector<R> weighted_mean(std::span<const R> weights, const head_matrix<R>& values) {
  const row_kind kind = kind_of_weights(weights);
  std::vector<R> o(std::size_t(values.width), R(kind == row_kind::undefined ? k_nan : 0));
  if (kind != row_kind::ordinary) return o;
  R total(0);
  for (const R& each : weights) total = total + each;
  for (std::int64_t d = 0; d < values.width; ++d) {
    R& sum = o[std::size_t(d)];
    sum = detail::beyond_numbers_weighted(weights, values, d);
    if (!is_finite(sum)) continue;
    for (std::int64_t j = 0; j < values.count; ++j)
      if (weights[std::size_t(j)] > R(0))
        sum = sum + weights[std::size_t(j)] * values.row(j)[std::size_t(d)];
    sum = sum / total;
  }
  return o;
}

/// Of a query and keys as they are, not of their features.
template <real R>
std::vector<R> attend_linearly(std::span<const R> q, const head_matrix<R>& keys,
                               const head_matrix<R>& values) {
  const std::vector<R> query = linear_features(q);
  std::vector<R> features;
  for (std::int64_t j = 0; j < keys.count; ++j)
    for (const R& each : keys.row(j)) features.push_back(linear_feature(each));
  const head_matrix<R> of_keys{features.data(), keys.count, keys.width, keys.width};
  const std::vector<R> weights = linear_weights(std::span<const R>(query), of_keys);
  return weighted_mean(std::span<const R>(weights), values);
}

// R0 with bounds of its own error; u = 2^-53, q = special<double>::k_error.

/// From the features of a query and of the keys that it sees, as linear_features has them of inputs
/// of at most 24 bits. A feature f is off by q f + c, c = e^k_least_exponent, so a weight by
///   2 q w + c (sum_d phi(q_d) + sum_d phi(k_jd)) + (D + 1) u w,
/// and the mean by (sum_j |v_j| off_j + |o| sum_j off_j + 2 gamma_n sum_j w_j |v_j|) / sum_j w_j;
/// never by more than twice the largest |v_j|, since it lies among them. Where a weight is no
/// number, or all are 0, that of the templates above, without an error.
std::vector<approximation> attend_linearly_with_error(std::span<const double> query,
                                                      const head_matrix<double>& keys,
                                                      const head_matrix<double>& values);

}  // namespace assay::reference
