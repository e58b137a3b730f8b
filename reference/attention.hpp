// Scaled dot-product attention (Vaswani et al. 2017): of one query against the keys that it sees,
//
//   s_j = scale q.k_j + b_j,   p = softmax(s),   o = sum_j p_j v_j,   lse = log sum_j e^(s_j)
//
// A mask says which keys a query sees; what it does not see is not there. Nor is a key whose bias b
// is -infinity, whatever it is. Query heads that share
// keys and values (Ainslie et al. 2023) are the caller's business: here is one query of one head.
//
// Policies: a query that sees nothing, or nothing but scores of -infinity, gives o = 0 and lse =
// -infinity; a score that is NaN or +infinity makes o and lse NaN. Every weight is positive,
// however small, so that an infinite value makes its column infinite, and two of both signs, or a
// NaN, make it NaN; a value whose score is -infinity is not looked at. PyTorch gives NaN where
// nothing is seen: a difference.
#pragma once

#include "reference/exact.hpp"
#include "reference/softmax.hpp"
#include "reference/special.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace assay::reference {

/// Rows of keys or values of one head: `count` of them, each `width` wide, `stride` apart.
template <class T>
struct head_matrix {
  const T* data = nullptr;
  std::int64_t count = 0, width = 0, stride = 0;

  std::span<const T> row(std::int64_t j) const {
    return {data + j * stride, static_cast<std::size_t>(width)};
  }
  head_matrix rows(std::int64_t first, std::int64_t last) const {
    return {data + first * stride, last - first, width, stride};
  }
};

/// Keys [first, last); none where last <= first.
struct key_range {
  std::int64_t first = 0, last = 0;

  std::int64_t count() const { return std::max<std::int64_t>(last - first, 0); }
  bool operator==(const key_range&) const = default;
};

/// Masks by position. Query i stands over key i + keys - queries: bottom-right aligned.
struct attention_mask {
  std::optional<std::int64_t> left = {};    // so many keys before its own, and no more
  std::optional<std::int64_t> right = {};   // so many behind it; causal: 0
  std::optional<std::int64_t> length = {};  // keys from here on are padding

  key_range seen(std::int64_t query, std::int64_t queries, std::int64_t keys) const {
    const std::int64_t own = query + keys - queries;
    key_range range{0, keys};
    if (left) range.first = std::max<std::int64_t>(range.first, own - *left);
    if (right) range.last = std::min(range.last, own + *right + 1);
    if (length) range.last = std::min(range.last, std::max<std::int64_t>(*length, 0));
    return range.count() > 0 ? range : key_range{};
  }
};

template <real R>
struct attended {
  std::vector<R> o;
  R lse;
};

namespace detail {

/// In each column sum_j v_j of the non-finite ones among values whose weight is positive; 0 where
/// all are finite.
template <real R>
std::vector<R> beyond_numbers(const head_matrix<R>& values, std::span<const R> scores) {
  std::vector<R> sums(std::size_t(values.width), R(0));
  for (std::int64_t j = 0; j < values.count; ++j) {
    if (scores[std::size_t(j)] == R(-k_infinity)) continue;
    for (std::size_t d = 0; d < sums.size(); ++d) {
      const R& v = values.row(j)[d];
      if (!is_finite(v)) sums[d] = sums[d] + v;
    }
  }
  return sums;
}

}  // namespace detail

/// Is key j there at all, by its bias? `bias`: one a key; empty: none.
template <class T>
bool is_there(std::span<const T> bias, std::int64_t j) {
  return bias.empty() || bias[std::size_t(j)] != T(-k_infinity);
}

template <real R>
R attention_score(std::span<const R> q, std::span<const R> k, const R& scale,
                  std::span<const R> bias, std::int64_t j) {
  if (!is_there(bias, j)) return R(-k_infinity);
  R dot(0);
  for (std::size_t d = 0; d < q.size(); ++d) dot = dot + q[d] * k[d];
  const R score = dot * scale;
  return bias.empty() ? score : R(score + bias[std::size_t(j)]);
}

template <real R>
std::vector<R> attention_scores(std::span<const R> q, const head_matrix<R>& keys, const R& scale,
                                std::span<const R> bias = {}) {
  std::vector<R> scores;
  for (std::int64_t j = 0; j < keys.count; ++j)
    scores.push_back(attention_score(q, keys.row(j), scale, bias, j));
  return scores;
}

/// From the scores of the keys that are seen, as many as there are values.
template <real R>
attended<R> attend_by(std::span<const R> scores, const head_matrix<R>& values) {
  const row_kind kind = kind_of_row(scores);
  const bool undefined = kind == row_kind::undefined;
  attended<R> result{std::vector<R>(std::size_t(values.width), R(undefined ? k_nan : 0)),
                     R(undefined ? k_nan : -k_infinity)};
  if (kind != row_kind::ordinary) return result;
  const std::vector<R> t = exponents(scores, R(1));
  const R rest = detail::sum_beyond_largest(std::span<const R>(t)), sum = R(1) + rest;
  const std::vector<R> beyond = detail::beyond_numbers(values, scores);
  std::vector<R> o(beyond.size(), R(0));
  for (std::int64_t j = 0; j < values.count; ++j) {
    if (t[std::size_t(j)] == R(-k_infinity)) continue;
    const R weight = detail::exp_or_zero(t[std::size_t(j)]);
    const std::span<const R> row = values.row(j);
    for (std::size_t d = 0; d < o.size(); ++d) o[d] = o[d] + weight * row[d];
  }
  for (std::size_t d = 0; d < o.size(); ++d)
    result.o[d] = is_finite(beyond[d]) ? R(o[d] / sum) : beyond[d];
  result.lse = *std::max_element(scores.begin(), scores.end()) + special<R>::log1p(rest);
  return result;
}

template <real R>
attended<R> attend(std::span<const R> q, const head_matrix<R>& keys, const head_matrix<R>& values,
                   const R& scale, std::span<const R> bias = {}) {
  const std::vector<R> scores = attention_scores(q, keys, scale, bias);
  return attend_by(std::span<const R>(scores), values);
}

// R0 with bounds of its own error.

struct attended_with_error {
  std::vector<approximation> o;
  approximation lse;
};

/// Inputs of at most 24 bits, biases of 53; `scale` is within `scale_error`, relative, of what it
/// stands for. Scores by Dot2, a bias added with one rounding. A weight's exponent is off by its
/// score's error and the largest's, 2 u of the difference; then p_j as in softmax_with_error, and
///   |o - sum p_j v_j| <= sum_j |v_j| (error of p_j) + gamma_n sum p_j |v_j|.
/// Where a score overflows or is no number, that of the templates above, without an error.
attended_with_error attend_with_error(std::span<const double> q, const head_matrix<double>& keys,
                                      const head_matrix<double>& values, double scale,
                                      double scale_error, std::span<const double> bias = {});

}  // namespace assay::reference
