// How the kernels of optimized/linear*.cuh and of attention compute multi-head attention, operation
// by operation, in either arithmetic of arithmetic.hpp. What one kernel leaves, the next takes with
// the error that it has by then; multi_head_sensitivity.hpp says what becomes of those.
#pragma once

#include "properties/attention_model.hpp"
#include "properties/multi_head_sensitivity.hpp"
#include "properties/multi_head_shape.hpp"
#include "properties/values.hpp"

#include <cmath>
#include <span>
#include <type_traits>
#include <vector>

namespace assay::properties {

template <class Arithmetic>
class multi_head_arithmetic {
 public:
  using value = typename Arithmetic::value;
  using row = std::vector<value>;

  multi_head_arithmetic(const Arithmetic& arithmetic, attention_algorithm kind,
                        const multi_head_shape& shape, bool causal, dtype type)
      : a_(arithmetic),
        attention_(arithmetic, kind, 1 / std::sqrt(double(shape.width())), 2 * 0x1p-53,
                   format_of(type)),
        kind_(kind),
        shape_(shape),
        causal_(causal),
        type_(type) {}

  // One batch of x to one of y.
  row batch(std::span<const double> x, const reference::multi_head_weights<double>& weights) const {
    row exact, qkv;
    for (const double each : x) exact.push_back(Arithmetic::exact(each));
    append_linear(qkv, exact, weights.qkv);
    for (value& each : qkv) each = stored(each);
    row y = from_packed(qkv, weights.out);
    if constexpr (k_follows) exchange_errors(y, qkv, weights.out);
    return y;
  }

  // From queries, keys and values, [t, 3 c], as they are held, to outputs.
  row from_packed(const row& qkv, const reference::linear_map<double>& out) const {
    row joined(std::size_t(shape_.elements()), Arithmetic::exact(0)), y;
    for (std::int64_t h = 0; h < shape_.heads; ++h) attend(joined, qkv, h);
    append_linear(y, joined, out);
    return y;
  }

 private:
  static constexpr bool k_follows = std::is_same_v<Arithmetic, running>;

  // In place of what errors of queries, keys and values were taken for, what they bring.
  void exchange_errors(row& y, const row& qkv, const reference::linear_map<double>& out) const {
    const auto all = error_exchanges(qkv, shape_, causal_, kind_, out);
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i].before = all[i].of(y[i].before);
      y[i].after = all[i].of(y[i].after);
    }
  }

  // As memory holds what lies between kernels.
  value stored(const value& v) const {
    return type_ == dtype::fp32 ? v : a_.narrowed(format_of(type_), v);
  }

  static bool is_zero(const value& v) {
    if constexpr (k_follows)
      return v.center == 0 && v.after == 0;
    else
      return v.after == 0;
  }
  // Nothing added to a number rounds nothing, and neither does zero times a number.
  value plus_product(const value& x, double w, const value& sum) const {
    if (std::isfinite(w) && is_zero(x)) return sum;
    return w == 0 && std::isfinite(center(x)) ? sum : a_.fma(x, Arithmetic::exact(w), sum);
  }
  static double center(const value& v) {
    if constexpr (k_follows)
      return v.center;
    else
      return v.after;
  }

  // Sums by fused multiply-adds in order, then the bias.
  void append_linear(row& y, const row& x, const reference::linear_map<double>& map) const {
    const std::size_t in = map.in(), out = map.out();
    for (std::size_t first = 0; in > 0 && first < x.size(); first += in) {
      row sums(out, Arithmetic::exact(0));  // side by side: no sum waits for itself
      for (std::size_t k = 0; k < in; ++k)
        for (std::size_t n = 0; n < out; ++n)
          sums[n] = plus_product(x[first + k], map.weights[k * out + n], sums[n]);
      for (std::size_t n = 0; n < out; ++n)
        y.push_back(map.bias[n] == 0 ? sums[n] : a_.add(sums[n], Arithmetic::exact(map.bias[n])));
    }
  }

  void attend(row& joined, const row& qkv, std::int64_t head) const {
    using reference::packed_part;
    const auto part = [&](packed_part which) {
      return reference::packed_head(std::span<const value>(qkv), shape_.channels, shape_.heads,
                                    head, which);
    };
    const auto q = part(packed_part::queries), k = part(packed_part::keys),
               v = part(packed_part::values);
    for (std::int64_t i = 0; i < shape_.tokens; ++i) {
      const std::int64_t seen = reference::tokens_seen(causal_, i, shape_.tokens);
      const row o = attention_.row(q.row(i), k.rows(0, seen), v.rows(0, seen), 0).o;
      for (std::size_t d = 0; d < o.size(); ++d)
        joined[std::size_t(i * shape_.channels + head * shape_.width()) + d] = stored(o[d]);
    }
  }

  const Arithmetic& a_;
  attention_arithmetic<Arithmetic> attention_;
  attention_algorithm kind_;
  multi_head_shape shape_;
  bool causal_;
  dtype type_;
};

}  // namespace assay::properties
