// How the kernels of optimized/linear_attention*.cuh compute, operation by operation, in either
// arithmetic of arithmetic.hpp.
#pragma once

#include "optimized/math/accuracy.hpp"
#include "properties/accumulation.hpp"
#include "reference/attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace assay::properties {

enum class linear_algorithm { quadratic, chunked };

inline constexpr std::int64_t k_linear_tile = 32;  // queries of a tile of the chunked kernel

// One head of keys and values, features of the keys, and what the queries of that head make of
// them. `Arithmetic` is running or concrete.
template <class Arithmetic>
class linear_attention_arithmetic {
 public:
  using value = typename Arithmetic::value;
  using row = std::vector<value>;

  linear_attention_arithmetic(const Arithmetic& arithmetic,
                              const reference::head_matrix<double>& keys,
                              const reference::head_matrix<double>& values)
      : a_(arithmetic),
        values_(values),
        state_(std::size_t(values.width), row(std::size_t(values.width), zero())),
        sums_(std::size_t(values.width), zero()) {
    for (std::int64_t j = 0; j < keys.count; ++j) keys_.push_back(features(keys.row(j)));
  }

  row features(std::span<const double> x) const {
    row all;
    for (const double each : x)
      all.push_back(each > 0 ? a_.add(Arithmetic::exact(each), Arithmetic::exact(1))
                             : a_.apply(elementary_functions::k_exp, Arithmetic::exact(each),
                                        optimized::k_exp_ulps));
    return all;
  }

  // Puts keys into the state until it holds the first `count`.
  void absorb(std::int64_t count) {
    for (; absorbed_ < count; ++absorbed_) {
      const row& key = keys_[std::size_t(absorbed_)];
      const auto v = values_.row(absorbed_);
      for (std::size_t d = 0; d < key.size(); ++d) {
        for (std::size_t c = 0; c < v.size(); ++c)
          state_[d][c] = weighted(key[d], Arithmetic::exact(v[c]), state_[d][c]);
        sums_[d] = plus(sums_[d], key[d]);
      }
    }
  }

  // A query that sees the keys in the state, and behind them those up to `last`: by the state, then
  // by their weights. Of the sum of weights a lane has every 32nd element of the query, and a key
  // of the tile, whose first is `tile`; then halves are added to halves.
  row by_state(const row& query, std::int64_t tile, std::int64_t last) const {
    row products(query.size(), zero()), lanes(32, zero());
    for (std::size_t d = 0; d < query.size(); ++d) {
      for (std::size_t c = 0; c < products.size(); ++c)
        products[c] = weighted(query[d], state_[d][c], products[c]);
      lanes[d % 32] = weighted(query[d], sums_[d], lanes[d % 32]);
    }
    for (std::int64_t j = absorbed_; j < last; ++j) {
      const value w = weight(query, j);
      add_value(products, w, j);
      value& lane = lanes[std::size_t(j - tile)];
      lane = plus(lane, w);
    }
    return mean(std::move(products), halved(std::move(lanes)));
  }

  // A query that sees the first `last` keys, all by their weights, in order.
  row by_weights(const row& query, std::int64_t last) const {
    row products(query.size(), zero());
    value total = zero();
    for (std::int64_t j = 0; j < last; ++j) {
      const value w = weight(query, j);
      add_value(products, w, j);
      total = plus(total, w);
    }
    return mean(std::move(products), total);
  }

 private:
  static constexpr bool k_follows = std::is_same_v<Arithmetic, running>;

  static value zero() { return Arithmetic::exact(0); }
  static double center(const value& v) {
    if constexpr (k_follows)
      return v.center;
    else
      return v.after;
  }
  static bool is_zero(const value& v) {
    if constexpr (k_follows)
      return v.center == 0 && v.after == 0;
    else
      return v.after == 0;
  }
  // Nothing added to a number rounds nothing.
  value plus(const value& left, const value& right) const {
    if (is_zero(left)) return right;
    return is_zero(right) ? left : a_.add(left, right);
  }
  // sum + a b, where a is a feature or a weight, positive. What is no number, or infinite, stays so
  // whatever it is multiplied by (promises see to it that no such factor vanishes).
  value weighted(const value& a, const value& b, const value& sum) const {
    const double x = center(a), y = center(b), z = center(sum);
    if (std::isfinite(x) && std::isfinite(y) && std::isfinite(z)) return a_.fma(a, b, sum);
    return Arithmetic::exact(std::fma(x, y, z));
  }
  void add_value(row& products, const value& w, std::int64_t j) const {
    const auto v = values_.row(j);
    for (std::size_t c = 0; c < v.size(); ++c)
      products[c] = weighted(w, Arithmetic::exact(v[c]), products[c]);
  }
  value weight(const row& query, std::int64_t j) const {
    value sum = zero();
    for (std::size_t d = 0; d < query.size(); ++d)
      sum = weighted(query[d], keys_[std::size_t(j)][d], sum);
    return sum;
  }
  value halved(row lanes) const {
    for (std::size_t half = lanes.size() / 2; half > 0; half /= 2)
      for (std::size_t i = 0; i < half; ++i) lanes[i] = plus(lanes[i], lanes[i + half]);
    return lanes[0];
  }
  row mean(row products, const value& total) const {
    for (value& each : products) {
      if (center(total) == 0)
        each = is_zero(total) ? zero() : a_.div(each, total);
      else if (std::isinf(center(each)) && std::isfinite(center(total)))
        each = Arithmetic::exact(center(each));
      else
        each = a_.div(each, total);
    }
    return products;
  }

  const Arithmetic& a_;
  reference::head_matrix<double> values_;
  std::vector<row> keys_;  // features
  std::vector<row> state_;
  row sums_;
  std::int64_t absorbed_ = 0;
};

}  // namespace assay::properties
