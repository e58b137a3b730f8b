// How the kernels of optimized/linear*.cuh and of attention compute multi-head attention, operation
// by operation, in either arithmetic of arithmetic.hpp. What one kernel leaves, the next takes with
// the error that it has by then; multi_head_sensitivity.hpp says what becomes of those.
#pragma once

#include "properties/attention_model.hpp"
#include "properties/linear_model.hpp"
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
        product_(arithmetic, kind == attention_algorithm::mma ? product_algorithm::tensor_cores
                                                              : product_algorithm::in_order),
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

  void append_linear(row& y, const row& x, const reference::linear_map<double>& map) const {
    const auto in = std::int64_t(map.in()), out = std::int64_t(map.out());
    const auto w = reference::matrix_of(map.weights, in, out);
    for (std::size_t first = 0; in > 0 && first < x.size(); first += std::size_t(in))
      product_.append_row(y, std::span(x).subspan(first, std::size_t(in)), w, map.bias);
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
  product_arithmetic<Arithmetic> product_;
  attention_algorithm kind_;
  multi_head_shape shape_;
  bool causal_;
  dtype type_;
};

}  // namespace assay::properties
