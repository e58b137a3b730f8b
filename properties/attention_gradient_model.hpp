// How the kernels of optimized/attention_gradient*.cuh compute, operation by operation, in either
// arithmetic of arithmetic.hpp. The exponent of a weight is taken relative to a log-sum-exp that is
// given: nothing here depends on the order in which pairs are met but the sums, which go from the
// first key, or query, to the last.
#pragma once

#include "optimized/math/accuracy.hpp"
#include "properties/accumulation.hpp"
#include "properties/attention_model.hpp"
#include "reference/attention_gradient.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

namespace assay::properties {

enum class gradient_algorithm { naive, two_passes, atomic };

template <class Arithmetic>
class attention_gradient_arithmetic {
 public:
  using value = typename Arithmetic::value;

  // `scale` with its relative error, `biased` as in attention_arithmetic; p and ds are rounded to
  // `halves` before products on tensor cores.
  attention_gradient_arithmetic(const Arithmetic& arithmetic, gradient_algorithm kind, double scale,
                                double scale_error, reference::format halves, bool biased)
      : a_(arithmetic),
        kind_(kind),
        on_tensor_cores_(kind != gradient_algorithm::naive),
        biased_(biased),
        scale_(held_in_fp32<Arithmetic>(scale, scale_error)),
        // That of log2(e) in double, and of the product.
        folded_(held_in_fp32<Arithmetic>(scale * k_log2_e, scale_error + 0x1p-52)),
        log2_e_(held_in_fp32<Arithmetic>(k_log2_e, 0x1p-53)),
        halves_(halves) {}

  reference::attention_gradients<value> head(const reference::attention_results<double>& of) const {
    const std::int64_t width = of.q.width;
    const auto zeros = [&](std::int64_t rows) {
      return std::vector<value>(std::size_t(rows * width), Arithmetic::exact(0));
    };
    reference::attention_gradients<value> all{zeros(of.q.count), zeros(of.k.count),
                                              zeros(of.k.count)};
    for (std::int64_t i = 0; i < of.q.count; ++i) {
      const double lse = of.lse[std::size_t(i)];
      const reference::key_range seen = of.seen[std::size_t(i)];
      if (lse == -reference::k_infinity || seen.count() == 0) continue;
      const value delta = delta_of(of.grad.row(i), of.o.row(i));
      const std::span<const double> bias = of.biases(i);
      std::vector<std::vector<value>> tiles;  // of dq, where each has sums of its own
      std::int64_t tile = -1;
      for (std::int64_t j = seen.first; j < seen.last; ++j) {
        if (!reference::is_there(bias, j)) continue;
        const value p = weight(dot(of.q.row(i), of.k.row(j)), bias, j, lse);
        const value ds = a_.mul(p, a_.sub(dot(of.grad.row(i), of.v.row(j)), delta));
        if (kind_ == gradient_algorithm::atomic && j / 64 != tile) {
          tiles.emplace_back(std::size_t(width), Arithmetic::exact(0));
          tile = j / 64;
        }
        add(tiles.empty() ? &all.dq[std::size_t(i * width)] : tiles.back().data(), ds, of.k.row(j));
        add(&all.dk[std::size_t(j * width)], ds, of.q.row(i));
        add(&all.dv[std::size_t(j * width)], p, of.grad.row(i));
      }
      for (std::int64_t d = 0; !tiles.empty() && d < width; ++d) {
        std::vector<value> terms;
        for (const std::vector<value>& each : tiles) terms.push_back(each[std::size_t(d)]);
        all.dq[std::size_t(i * width + d)] = sum_by_atomics(a_, terms);
      }
    }
    for (auto* gradient : {&all.dq, &all.dk})
      for (value& each : *gradient) each = a_.mul(each, scale_);
    return all;
  }

 private:
  // Lane d % 32 takes element d; the lanes by halves.
  value delta_of(std::span<const double> grad, std::span<const double> o) const {
    std::vector<value> lanes(std::min<std::size_t>(32, o.size()), Arithmetic::exact(0));
    for (std::size_t d = 0; d < o.size(); ++d) {
      value& lane = lanes[d % 32];
      lane = a_.fma(Arithmetic::exact(o[d]), Arithmetic::exact(grad[d]), lane);
    }
    return sum(a_, order{{tree{}}}, std::move(lanes));
  }
  value dot(std::span<const double> x, std::span<const double> y) const {
    value sum = Arithmetic::exact(0);
    for (std::size_t d = 0; d < x.size(); ++d)
      sum = a_.fma(Arithmetic::exact(x[d]), Arithmetic::exact(y[d]), sum);
    return sum;
  }
  // Of pair j, from the product of its query and key.
  value weight(const value& dot, std::span<const double> bias, std::int64_t j, double lse) const {
    value base = Arithmetic::exact(lse);
    if (on_tensor_cores_) base = a_.mul(base, log2_e_);
    const value& scale = on_tensor_cores_ ? folded_ : scale_;
    value exponent;
    if (biased_)
      exponent =
          a_.sub(a_.fma(dot, scale, held_bias(a_, bias[std::size_t(j)], on_tensor_cores_)), base);
    else if (on_tensor_cores_)
      exponent = a_.fma(dot, scale, Arithmetic::negated(base));
    else
      exponent = a_.sub(a_.mul(dot, scale), base);
    return attention_exponential(a_, exponent, on_tensor_cores_);
  }
  void add(value* to, const value& by, std::span<const double> x) const {
    const value factor = on_tensor_cores_ ? Arithmetic::convert(halves_, by) : by;
    for (std::size_t d = 0; d < x.size(); ++d)
      to[d] = a_.fma(factor, Arithmetic::exact(x[d]), to[d]);
  }

  const Arithmetic& a_;
  gradient_algorithm kind_;
  bool on_tensor_cores_, biased_;
  value scale_, folded_, log2_e_;
  reference::format halves_;
};

}  // namespace assay::properties
