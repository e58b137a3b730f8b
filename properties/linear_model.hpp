// How the kernels of optimized/linear*.cuh compute, operation by operation, in either arithmetic of
// arithmetic.hpp.
//
// Tensor cores: the emulator's add in order, a GPU's a block of 16 terms at once and cut (Fasi et
// al. 2021; truncating_adder). A bound must hold of both, and is after each block the larger of the
// two. The concrete arithmetic, which scatters as a kernel's errors must, adds in order.
#pragma once

#include "optimized/linear_plan.hpp"
#include "optimized/math/accuracy.hpp"
#include "properties/accumulation.hpp"
#include "properties/linear_layer.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace assay::properties {

enum class product_algorithm { in_order, tensor_cores };

template <class Arithmetic>
class product_arithmetic {
 public:
  using value = typename Arithmetic::value;
  using row = std::vector<value>;

  product_arithmetic(const Arithmetic& arithmetic, product_algorithm kind)
      : a_(arithmetic), kind_(kind) {}

  // Appends x W + b, one row of it. `b` may be empty.
  void append_row(row& all, std::span<const value> x, const reference::matrix_view<double>& w,
                  std::span<const double> b = {}) const {
    const optimized::product_chunks chunks = chunks_for(w);
    row sums = chunk(x, w, 0, std::min<std::int64_t>(chunks.length, w.rows));
    for (std::int64_t k = chunks.length; k < w.rows; k += chunks.length) {
      const row next = chunk(x, w, k, std::min<std::int64_t>(k + chunks.length, w.rows));
      for (std::size_t n = 0; n < sums.size(); ++n) sums[n] = plus(sums[n], next[n]);
    }
    for (std::size_t n = 0; n < sums.size(); ++n)
      all.push_back(b.empty() ? sums[n] : plus(sums[n], Arithmetic::exact(b[n])));
  }

  row product(const linear_sums& of) const {
    row all, left(std::size_t(of.left.columns));
    all.reserve(std::size_t(of.elements()));
    for (std::int64_t i = 0; i < of.left.rows; ++i) {
      for (std::int64_t k = 0; k < of.left.columns; ++k)
        left[std::size_t(k)] = Arithmetic::exact(of.left.at(i, k));
      append_row(all, left, of.right, of.row);
    }
    for (std::size_t i = 0; i < of.all.size(); ++i)
      all[i] = plus(all[i], Arithmetic::exact(of.all[i]));
    return all;
  }

  // Nothing added to a number rounds nothing.
  value plus(const value& left, const value& right) const {
    if (is_zero(left)) return right;
    return is_zero(right) ? left : a_.add(left, right);
  }

  static double center(const value& v) {
    if constexpr (k_follows)
      return v.center;
    else
      return v.after;
  }

 private:
  static constexpr bool k_follows = std::is_same_v<Arithmetic, running>;
  static constexpr std::int64_t k_block = 16;  // of mma.m16n8k16

  optimized::product_chunks chunks_for(const reference::matrix_view<double>& w) const {
    if (kind_ == product_algorithm::tensor_cores) return optimized::chunks_of(w.columns, w.rows);
    return {int(std::max<std::int64_t>(w.rows, 1)), 1};
  }

  static bool is_zero(const value& v) {
    if constexpr (k_follows)
      return v.center == 0 && v.after == 0;
    else
      return v.after == 0;
  }
  // Neither does zero times a number.
  value plus_product(const value& x, double w, const value& sum) const {
    if (std::isfinite(w) && is_zero(x)) return sum;
    return w == 0 && std::isfinite(center(x)) ? sum : a_.fma(x, Arithmetic::exact(w), sum);
  }

  // The sums of terms [first, last), side by side: none waits for itself.
  row chunk(std::span<const value> x, const reference::matrix_view<double>& w, std::int64_t first,
            std::int64_t last) const {
    row sums(std::size_t(w.columns), Arithmetic::exact(0));
    for (std::int64_t k = first; k < last; k += k_block) {
      const std::int64_t end = std::min(k + k_block, last);
      if (k_follows && kind_ == product_algorithm::tensor_cores)
        add_at_once(sums, x, w, k, end);
      else
        add_in_order(sums, x, w, k, end);
    }
    return sums;
  }
  void add_in_order(row& sums, std::span<const value> x, const reference::matrix_view<double>& w,
                    std::int64_t first, std::int64_t last) const {
    for (std::int64_t k = first; k < last; ++k)
      for (std::int64_t n = 0; n < w.columns; ++n)
        sums[std::size_t(n)] = plus_product(x[std::size_t(k)], w.at(k, n), sums[std::size_t(n)]);
  }
  void add_at_once(row& sums, std::span<const value> x, const reference::matrix_view<double>& w,
                   std::int64_t first, std::int64_t last) const {
    if constexpr (k_follows) {
      const row before = sums;
      add_in_order(sums, x, w, first, last);
      row terms(std::size_t(last - first));
      for (std::size_t n = 0; n < sums.size(); ++n) {
        value& sum = sums[n];
        // Infinities and NaN are what they are; what may overflow is without a bound already.
        if (!std::isfinite(sum.center) || !std::isfinite(sum.after)) continue;
        for (std::int64_t k = first; k < last; ++k)
          terms[std::size_t(k - first)] =
              a_.exact_product(x[std::size_t(k)], w.at(k, std::int64_t(n)));
        const value cut = a_.add_truncated(before[n], terms, truncating_adder{});
        sum.before = std::max(sum.before, cut.before);
        sum.after = std::max(sum.after, cut.after);
      }
    }
  }

  const Arithmetic& a_;
  product_algorithm kind_;
};

// A GELU as a model applies it: its routine's error, and how steep it is at most.
struct gelu_function {
  reference::gelu_form form;

  double value(double x) const {
    return form == reference::gelu_form::erf ? reference::gelu_erf(x) : reference::gelu_tanh(x);
  }
  double steepest(double low, double high) const {
    return reference::steepest_gelu(form, low, high);
  }
  double ulps() const {
    return form == reference::gelu_form::erf ? optimized::k_gelu_erf_ulps
                                             : optimized::k_gelu_tanh_ulps;
  }
  template <class Arithmetic>
  typename Arithmetic::value of(const Arithmetic& a, const typename Arithmetic::value& x) const {
    const double at = product_arithmetic<Arithmetic>::center(x);
    return std::isfinite(at) ? a.apply(*this, x, ulps()) : Arithmetic::exact(value(at));
  }
};

// The sums of columns: of each 256 rows by 8 lanes, halves added to halves, then those in order; or
// all in order.
inline order column_order(bool in_order) {
  if (in_order) return sequential();
  return {{in_chunks(256, {{interleaved{8, 1}, tree{}}}), interleaved{1, 1}}};
}

template <class Arithmetic>
std::vector<typename Arithmetic::value> column_sums(const Arithmetic& a, const linear_sums& of,
                                                    const order& how) {
  std::vector<typename Arithmetic::value> all;
  for (std::int64_t n = 0; n < of.right.columns; ++n) {
    std::vector<typename Arithmetic::value> terms;
    for (std::int64_t i = 0; i < of.right.rows; ++i)
      terms.push_back(Arithmetic::exact(of.right.at(i, n)));
    all.push_back(sum(a, how, std::move(terms)));
  }
  return all;
}

}  // namespace assay::properties
