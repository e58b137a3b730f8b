// How the kernels of optimized/softmax*.cuh compute a row, operation by operation, in either
// arithmetic of arithmetic.hpp.
//
// A row of scores is an std::span of the visible ones; inverse is 1 / temperature as the kernel has
// it, a value of the arithmetic.
#pragma once

#include "optimized/math/accuracy.hpp"
#include "properties/attention_exponential.hpp"
#include "properties/row_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

// e^t is 0 in fp32 from about -104 on.
inline constexpr double k_underflow = -120;

template <class Arithmetic>
class softmax_arithmetic {
 public:
  using value = typename Arithmetic::value;

  // base_2: exponentials are those of x log2(e), by the special-function unit.
  softmax_arithmetic(const Arithmetic& arithmetic, double temperature, bool base_2 = false)
      : a_(arithmetic),
        base_2_(base_2),
        inverse_(temperature == 1 ? a_.exact(1) : a_.div(a_.exact(1), a_.exact(temperature))),
        temperature_(temperature) {}

  // What the online kernels carry: the largest score, and the sum below it.
  struct online {
    double most = -reference::k_infinity;
    value sum = Arithmetic::exact(0);
  };

  // (x - most) / temperature. A difference that fp32 does not have is -infinity: no more is asked
  // of it than to be far below.
  value exponent(double x, double most) const {
    if (reference::round(reference::k_fp32, x - most) == -reference::k_infinity)
      return a_.exact(-reference::k_infinity);
    const value below = a_.sub(a_.exact(x), a_.exact(most));
    return temperature_ == 1 ? below : a_.mul(below, inverse_);
  }
  // e^ of that. 1 at 0, exactly; and far below fp32's range 0, however far: there the exponent may
  // overflow.
  value exponential(double x, double most) const {
    if (x == most) return a_.exact(1);
    if (x == -reference::k_infinity) return a_.exact(0);
    const double t = (x - most) / temperature_;
    if (t < k_underflow) return a_.known(std::exp(t), 0.5);
    if (base_2_)
      return a_.apply(elementary_functions::k_exp2,
                      a_.mul(exponent(x, most), held_in_fp32<Arithmetic>(k_log2_e, 0x1p-53)),
                      k_exp2_approx_ulps);
    return a_.apply(elementary_functions::k_exp, exponent(x, most), optimized::k_exp_ulps);
  }

  void take(online& all, std::span<const double> group) const {
    double next = all.most;
    for (double x : group) next = std::max(next, x);
    if (next == -reference::k_infinity) return;
    all.sum = rescaled(all, next);
    for (double x : group) all.sum = plus(all.sum, exponential(x, next));
    all.most = next;
  }
  online merged(const online& left, const online& right) const {
    const double next = std::max(left.most, right.most);
    if (next == -reference::k_infinity) return left;
    return {next, plus(rescaled(left, next), rescaled(right, next))};
  }

  // What the kernels hold after a row: by groups in turn, then by halves.
  online online_row(std::span<const double> row, const row_order& how) const {
    if (how.chunk == 0) return of_threads(row, how);
    std::vector<online> threads(std::size_t(how.threads));
    for (std::size_t c = 0; c * std::size_t(how.chunk) < row.size(); ++c) {
      online& mine = threads[c % threads.size()];
      mine = merged(mine, of_threads(part(row, c * std::size_t(how.chunk), how.chunk), how));
    }
    return by_warps(std::move(threads));
  }
  // The textbook's: the largest first, then the sum in the order of the threads.
  online three_pass_row(std::span<const double> row, std::int64_t threads) const {
    online all;
    for (double x : row) all.most = std::max(all.most, x);
    if (all.most == -reference::k_infinity) return all;
    std::vector<value> terms;
    for (double x : row) terms.push_back(exponential(x, all.most));
    all.sum = sum(a_, order_of({threads, 1, 0}), std::move(terms));
    return all;
  }

  std::vector<value> softmax_of(std::span<const double> row, const online& all) const {
    std::vector<value> p(row.size(), Arithmetic::exact(0));
    if (all.most == -reference::k_infinity) return p;
    const value closing = a_.div(a_.exact(1), all.sum);
    for (std::size_t j = 0; j < row.size(); ++j)
      p[j] = a_.mul(exponential(row[j], all.most), closing);
    return p;
  }
  std::vector<value> log_softmax_of(std::span<const double> row, const online& all) const {
    std::vector<value> l(row.size(), Arithmetic::exact(-reference::k_infinity));
    if (all.most == -reference::k_infinity) return l;
    const value closing = log_of_sum(all);
    for (std::size_t j = 0; j < row.size(); ++j)
      if (row[j] != -reference::k_infinity) l[j] = a_.sub(exponent(row[j], all.most), closing);
    return l;
  }
  // log sum e^(x_k) - x, of one of an ordinary row's scores.
  value negative_log_of(double x, const online& all) const {
    return a_.sub(log_of_sum(all), exponent(x, all.most));
  }

  // Gradients from a row of results and the gradient from above; the dot product by fused
  // multiply-adds in the order of the threads.
  std::vector<value> softmax_gradient_of(std::span<const double> y, std::span<const double> dy,
                                         const row_order& how) const {
    const value dot = row_sum(a_, y.size(), how, [&](value all, std::size_t j) {
      return a_.fma(a_.exact(y[j]), a_.exact(dy[j]), all);
    });
    std::vector<value> dx;
    for (std::size_t j = 0; j < y.size(); ++j) {
      const value product = a_.mul(a_.exact(y[j]), a_.sub(a_.exact(dy[j]), dot));
      dx.push_back(temperature_ == 1 ? product : a_.mul(product, inverse_));
    }
    return dx;
  }
  std::vector<value> log_softmax_gradient_of(std::span<const double> y, std::span<const double> dy,
                                             const row_order& how) const {
    const value total = row_sum(
        a_, y.size(), how, [&](value all, std::size_t j) { return plus(all, a_.exact(dy[j])); });
    std::vector<value> dx;
    for (std::size_t j = 0; j < y.size(); ++j) {
      const value p = y[j] == 0            ? a_.exact(1)
                      : y[j] < k_underflow ? a_.known(std::exp(y[j]), 0.5)
                                           : a_.apply(elementary_functions::k_exp, a_.exact(y[j]),
                                                      optimized::k_exp_ulps);
      dx.push_back(a_.fma(Arithmetic::negated(p), total, a_.exact(dy[j])));
    }
    return dx;
  }

 private:
  value log_of_sum(const online& all) const {
    return a_.apply(elementary_functions::k_log1p, a_.sub(all.sum, a_.exact(1)),
                    optimized::k_log1p_ulps);
  }
  static std::span<const double> part(std::span<const double> row, std::size_t first,
                                      std::int64_t count) {
    return row.subspan(first, std::min(std::size_t(count), row.size() - first));
  }
  value plus(value left, value right) const { return properties::plus(a_, left, right); }

  value rescaled(const online& all, double next) const {
    if (all.most == next) return all.sum;
    return a_.mul(all.sum, exponential(all.most, next));
  }

  online of_threads(std::span<const double> row, const row_order& how) const {
    std::vector<online> threads(std::size_t(how.threads));
    for (std::size_t g = 0; g * std::size_t(how.group) < row.size(); ++g)
      take(threads[g % threads.size()], part(row, g * std::size_t(how.group), how.group));
    return by_warps(std::move(threads));
  }
  online by_warps(std::vector<online> threads) const {
    std::vector<online> warps;
    for (std::size_t first = 0; first < threads.size(); first += k_row_warp)
      warps.push_back(by_halves({threads.begin() + std::ptrdiff_t(first),
                                 threads.begin() + std::ptrdiff_t(first) + k_row_warp}));
    return by_halves(std::move(warps));
  }
  online by_halves(std::vector<online> all) const {
    for (std::size_t half = all.size() / 2; half >= 1; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) all[i] = merged(all[i], all[i + half]);
      all.resize(half);
    }
    return all.front();
  }

  const Arithmetic& a_;
  bool base_2_;
  value inverse_;
  double temperature_;
};

}  // namespace assay::properties
