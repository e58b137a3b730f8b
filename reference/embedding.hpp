// Embedding of tokens and of their positions, and its gradients:
//
//   x[b, i] = tokens[id[b, i]] + positions[i], or positions[lengths[b] + i] where sequences go on
//   dtokens[n] = sum of dx[b, i] over all id[b, i] = n,   dpositions[i] = sum of dx[b, i] over b
//
// Shapes: ids [batch, length]; tokens [V, C], positions [P, C], P >= length; x [batch, length, C].
// It is the product of one-hot rows with a matrix, and its gradient that of their transposes, but
// that what is multiplied with 0 there is not looked at here.
//
// Policies: an id or a position that is no row of its table makes x NaN; such an id adds to no row
// of dtokens, and its dx counts for its position like any other. A row that nobody asked for has a
// gradient of 0.
#pragma once

#include "reference/exact.hpp"
#include "reference/real.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::reference {

/// Rows of `width` numbers.
template <real R>
struct table {
  std::span<const R> values;
  std::int64_t width = 0;

  std::int64_t rows() const { return width > 0 ? std::int64_t(values.size()) / width : 0; }
  bool has(std::int64_t row) const { return row >= 0 && row < rows(); }
  const R& at(std::int64_t row, std::int64_t column) const {
    return values[std::size_t(row * width + column)];
  }
};

/// The ids of a sequence of positions, `batch` times: what tells a position's row.
inline std::vector<std::int64_t> position_ids(std::int64_t batch, std::int64_t length) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < batch * length; ++i) ids.push_back(i % length);
  return ids;
}

/// Of sequences that go on for `length` tokens, each behind as many as `lengths` says.
inline std::vector<std::int64_t> position_ids_behind(std::span<const std::int64_t> lengths,
                                                     std::int64_t length) {
  std::vector<std::int64_t> ids;
  for (const std::int64_t before : lengths)
    for (std::int64_t i = 0; i < length; ++i) ids.push_back(before + i);
  return ids;
}

/// x, where `places` are the positions of the ids.
template <real R>
std::vector<R> embedding(std::span<const std::int64_t> ids, std::span<const std::int64_t> places,
                         const table<R>& tokens, const table<R>& positions) {
  std::vector<R> x;
  for (std::size_t k = 0; k < ids.size(); ++k)
    for (std::int64_t c = 0; c < positions.width; ++c)
      x.push_back(tokens.has(ids[k]) && positions.has(places[k])
                      ? R(tokens.at(ids[k], c) + positions.at(places[k], c))
                      : R(k_nan));
  return x;
}

/// The rows of dx that each of `rows` rows of a table got, by their ids, from the first to the
/// last.
inline std::vector<std::vector<std::int64_t>> places_of(std::span<const std::int64_t> ids,
                                                        std::int64_t rows) {
  std::vector<std::vector<std::int64_t>> places;
  places.resize(std::size_t(rows));
  for (std::size_t k = 0; k < ids.size(); ++k)
    if (ids[k] >= 0 && ids[k] < rows) places[std::size_t(ids[k])].push_back(std::int64_t(k));
  return places;
}

/// The gradient of a table of `rows` rows: sums of rows of dx.
template <real R>
std::vector<R> embedding_gradient(std::span<const std::int64_t> ids, std::int64_t rows,
                                  const table<R>& dx) {
  std::vector<R> gradient;
  for (const std::vector<std::int64_t>& places : places_of(ids, rows))
    for (std::int64_t c = 0; c < dx.width; ++c) {
      R sum(0);
      for (const std::int64_t k : places) sum = sum + dx.at(k, c);
      gradient.push_back(sum);
    }
  return gradient;
}

// R0 with bounds of its own error, for values of at most 24 bits.

/// Each x rounded to double, and what that lost.
inline std::vector<approximation> embedding_with_error(std::span<const std::int64_t> ids,
                                                       std::span<const std::int64_t> places,
                                                       const table<double>& tokens,
                                                       const table<double>& positions) {
  std::vector<approximation> x;
  for (std::size_t k = 0; k < ids.size(); ++k)
    for (std::int64_t c = 0; c < positions.width; ++c) {
      if (!tokens.has(ids[k]) || !positions.has(places[k])) {
        x.push_back({k_nan, 0});
        continue;
      }
      const auto sum = two_sum(tokens.at(ids[k], c), positions.at(places[k], c));
      x.push_back({sum.value, is_finite(sum.value) ? std::abs(sum.error) : 0});
    }
  return x;
}

/// Each sum by Sum2 (exact.hpp).
inline std::vector<approximation> embedding_gradient_with_error(std::span<const std::int64_t> ids,
                                                                std::int64_t rows,
                                                                const table<double>& dx) {
  constexpr double k_u = k_unit_roundoff<double>;
  std::vector<approximation> gradient;
  std::vector<double> terms;
  for (const std::vector<std::int64_t>& places : places_of(ids, rows))
    for (std::int64_t c = 0; c < dx.width; ++c) {
      terms.clear();
      double magnitude = 0;
      for (const std::int64_t k : places) {
        terms.push_back(dx.at(k, c));
        magnitude += std::abs(terms.back());
      }
      const double sum = sum2(terms), n = double(terms.size());
      gradient.push_back({sum, n < 2 || !is_finite(sum)
                                   ? 0
                                   : k_u * std::abs(sum) + 2 * n * n * k_u * k_u * magnitude});
    }
  return gradient;
}

}  // namespace assay::reference
