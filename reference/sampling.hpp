// The next token from a row of logits:
//
//   greedy        the largest; of equal ones the first
//   temperature   p = softmax(logits / temperature)
//   top-k         all but the k largest are dropped; one equal to the k-th stays (Fan et al. 2018)
//   top-p         of what is left the smallest set of the largest p that together have at least
//                 a share p, of equal ones the first (Holtzman et al. 2020, section 3.1)
//   multinomial   the first token at which the sum of the kept p, from the first on, exceeds u
//                 times the sum of all of them; u uniform in [0, 1)
//
// Policies: temperature 0 is greedy; k = 0, or beyond the vocabulary, and p = 1 drop nothing; p = 0
// keeps the most probable token. A logit of -infinity is no token that can come; where there is no
// other, or where there is a NaN or +infinity, there is no next token.
#pragma once

#include "reference/softmax.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>

namespace assay::reference {

template <real R>
struct sampling_settings {
  R temperature = R(1);
  std::int64_t top_k = 0;
  R top_p = R(1);
  bool operator==(const sampling_settings&) const = default;
};

template <real R>
std::optional<std::int64_t> greedy_token(std::span<const R> logits) {
  if (kind_of_row(logits) != row_kind::ordinary) return std::nullopt;
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

namespace detail {

/// Places of a row's logits from the largest down, of equal ones the first first.
template <real R>
std::vector<std::size_t> falling_order(std::span<const R> logits) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  return order;
}

/// e^((x - max x) / temperature) of the tokens that top-k leaves, 0 for the others.
template <real R>
std::vector<R> weights_of_largest(std::span<const R> logits, std::span<const std::size_t> order,
                                  const sampling_settings<R>& by) {
  std::vector<R> kept(logits.begin(), logits.end());
  if (by.top_k > 0 && by.top_k < std::int64_t(order.size())) {
    const R least = logits[order[std::size_t(by.top_k - 1)]];
    for (R& each : kept)
      if (each < least) each = R(-k_infinity);
  }
  kept = exponents(std::span<const R>(kept), by.temperature);
  for (R& each : kept) each = exp_or_zero(each);
  return kept;
}

/// Drops all but the smallest set of the largest with a share p of `total`.
template <real R>
void keep_share(std::vector<R>& weights, std::span<const std::size_t> order, const R& total,
                const R& p) {
  if (!(p < R(1))) return;
  const R needed = p * total;
  R share(0);
  bool full = false;
  for (const std::size_t i : order) {
    if (full) weights[i] = R(0);
    share = share + weights[i];
    full = full || !(share < needed);
  }
}

template <real R>
R total_of(std::span<const R> weights) {
  R total(0);
  for (const R& each : weights) total = total + each;
  return total;
}

}  // namespace detail

/// What each token is to be drawn with, the largest with 1; 0 for those that are dropped. Where all
/// are 0 or 1 (equal logits) they and their sums are exact. Empty: there is no next token. The
/// temperature must be positive.
template <real R>
std::vector<R> kept_weights(std::span<const R> logits, const sampling_settings<R>& by) {
  if (kind_of_row(logits) != row_kind::ordinary) return {};
  const std::vector<std::size_t> order = detail::falling_order(logits);
  std::vector<R> weights = detail::weights_of_largest<R>(logits, order, by);
  const R total = detail::total_of(std::span<const R>(weights));
  detail::keep_share<R>(weights, order, total, by.top_p);
  return weights;
}

/// The same as probabilities, before top-p: not normalised again.
template <real R>
std::vector<R> kept_probabilities(std::span<const R> logits, const sampling_settings<R>& by) {
  std::vector<R> p = kept_weights(logits, by);
  sampling_settings<R> all = by;
  all.top_p = R(1);
  const std::vector<R> weights = kept_weights(logits, all);
  const R total = detail::total_of(std::span<const R>(weights));
  for (R& each : p) each = each / total;
  return p;
}

/// The token that u, in [0, 1), draws.
template <real R>
std::int64_t drawn_token(std::span<const R> kept, const R& u) {
  const R wanted = u * detail::total_of(kept);
  R sum(0);
  std::int64_t last = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!(kept[i] > R(0))) continue;
    sum = sum + kept[i];
    last = std::int64_t(i);
    if (sum > wanted) break;
  }
  return last;
}

}  // namespace assay::reference
