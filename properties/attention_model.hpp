// How the kernels of optimized/attention*.cuh compute a row, operation by operation, in either
// arithmetic of arithmetic.hpp.
//
// All that a kernel sums up of a row is relative to the largest score m as it holds it, and its m
// may be off by what scores are off by. That is one factor in l and o alike: it cancels in o / l,
// and in m + log l. So the running arithmetic follows l and o relative to the exact m, charges no
// exponent with the error of m, and enlarges them by the largest such factor, so that no rounding
// is charged too little.
#pragma once

#include "optimized/math/accuracy.hpp"
#include "properties/accumulation.hpp"
#include "reference/attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace assay::properties {

// ex2.approx: 2^-22 of the result (PTX ISA), 4 ULPs at most.
inline constexpr double k_exp2_approx_ulps = 4;

enum class attention_algorithm { naive, simple, mma };

template <class Arithmetic>
class attention_arithmetic {
 public:
  using value = typename Arithmetic::value;

  // `scale` with its relative error; weights are rounded to `weights` before they meet values.
  attention_arithmetic(const Arithmetic& arithmetic, attention_algorithm kind, double scale,
                       double scale_error, reference::format weights)
      : a_(arithmetic), kind_(kind), weights_(weights) {
    constexpr double k_log2_e = 0x1.71547652b82fep+0;
    const double exact = kind == attention_algorithm::mma ? scale * k_log2_e : scale;
    const double held = reference::round(reference::k_fp32, exact);
    // That of log2(e) in double, and of the product.
    const double off = std::abs(held - exact) +
                       (scale_error + (kind == attention_algorithm::mma ? 0x1p-52 : 0)) * exact;
    if constexpr (k_follows)
      scale_ = {exact, off, off};
    else
      scale_ = {held, held};
  }

  struct result {
    std::vector<value> o;
    value lse = Arithmetic::exact(-reference::k_infinity);
  };

  // A query against the keys [first, ...) that it sees.
  result row(std::span<const double> q, const reference::head_matrix<double>& keys,
             const reference::head_matrix<double>& values, std::int64_t first) const {
    result r{std::vector<value>(q.size(), Arithmetic::exact(0))};
    if (keys.count == 0) return r;
    const std::vector<value> s = scores(q, keys);
    return kind_ == attention_algorithm::naive ? whole_row(s, values)
                                               : by_tiles(s, values, first, std::move(r));
  }

 private:
  static constexpr bool k_follows = std::is_same_v<Arithmetic, running>;

  // The largest score: for `running` the exact one, and how far the held one may lie from it.
  struct largest {
    value score = Arithmetic::exact(-reference::k_infinity);
    double base = 0;  // concrete, mma: what exponents are taken relative to, as it is held
  };
  struct sums {
    std::vector<value> l, o;  // l: of each lane
  };

  static double half_ulp(double x) {
    return std::isfinite(x) ? 0.5 * reference::ulp(reference::k_fp32, std::abs(x)) : 0;
  }
  static double center(const value& v) {
    if constexpr (k_follows)
      return v.center;
    else
      return v.after;
  }
  value plus(const value& left, const value& right) const {
    if (is_zero(left)) return right;
    return is_zero(right) ? left : a_.add(left, right);
  }
  static bool is_zero(const value& v) {
    if constexpr (k_follows)
      return v.center == 0 && v.after == 0;
    else
      return v.before == 0 && v.after == 0;
  }

  std::vector<value> scores(std::span<const double> q,
                            const reference::head_matrix<double>& keys) const {
    std::vector<value> s;
    for (std::int64_t j = 0; j < keys.count; ++j) {
      const auto k = keys.row(j);
      value dot = Arithmetic::exact(0);
      for (std::size_t d = 0; d < q.size(); ++d)
        dot = a_.fma(Arithmetic::exact(q[d]), Arithmetic::exact(k[d]), dot);
      s.push_back(kind_ == attention_algorithm::mma ? dot : a_.mul(dot, scale_));
    }
    return s;
  }

  // The exponent's scale: of log2 where it is folded in, else 1.
  double unit() const { return kind_ == attention_algorithm::mma ? center(scale_) : 1; }

  largest larger(const largest& m, const value& score) const {
    largest next{Arithmetic::max(m.score, score)};
    if (kind_ == attention_algorithm::mma && !k_follows)
      next.base = reference::round(reference::k_fp32, center(next.score) * center(scale_));
    return next;
  }
  // By how much an exponent's common part may lie above the exact one.
  double slack(const largest& m) const {
    double by = 0;
    if constexpr (k_follows) {
      by = m.score.after * unit();
      if (kind_ == attention_algorithm::mma) {
        by += (m.score.after + std::abs(m.score.center)) * scale_.after;
        by += half_ulp(std::abs(m.score.center) * scale_.center + by);
      }
    }
    return by;
  }

  // The exponential of an exponent. What a kernel flushes far below has half an ULP of zero.
  value exponential(value exponent, double more) const {
    const bool base_2 = kind_ == attention_algorithm::mma;
    if constexpr (k_follows) exponent.center += more;
    if (center(exponent) < (base_2 ? -170 : -120))
      return a_.known(base_2 ? std::exp2(center(exponent)) : std::exp(center(exponent)), 0.5);
    return base_2 ? a_.apply(elementary_functions::k_exp2, exponent, k_exp2_approx_ulps)
                  : a_.apply(elementary_functions::k_exp, exponent, optimized::k_exp_ulps);
  }
  // e^(s - m), or 2^(s scale - m scale).
  value weight(const value& s, const largest& m) const {
    if constexpr (k_follows) {
      const running::value below{s.center - m.score.center, s.after, s.after};
      const bool exact = s.after == 0 && m.score.after == 0;
      const value t = kind_ == attention_algorithm::mma ? a_.mul(below, scale_)
                      : exact ? a_.sub(s, Arithmetic::exact(m.score.center))
                              : running::value{below.center, s.after,
                                               s.after + half_ulp(std::abs(below.center) + s.after +
                                                                  m.score.after)};
      return exponential(t, slack(m));
    } else {
      if (kind_ != attention_algorithm::mma) return exponential(a_.sub(s, m.score), 0);
      return exponential(a_.fma(s, scale_, Arithmetic::exact(-m.base)), 0);
    }
  }
  // What sums relative to `before` are multiplied by to be relative to `after`.
  value factor(const largest& before, const largest& after) const {
    if constexpr (k_follows) {
      const double t = (before.score.center - after.score.center) * unit();
      const double room = slack(before) + slack(after);
      const double off = before.score.after == 0 && after.score.after == 0 &&
                                 kind_ != attention_algorithm::mma && t == 0
                             ? 0
                             : half_ulp(std::abs(t) + room);
      return exponential({t, off, off}, slack(after));
    } else {
      const value t = kind_ == attention_algorithm::mma
                          ? a_.sub(Arithmetic::exact(before.base), Arithmetic::exact(after.base))
                          : a_.sub(before.score, after.score);
      return exponential(t, 0);
    }
  }

  // May the held maximum be another after these scores? In a kernel's own arithmetic: is it.
  bool moves(const largest& m, std::span<const value> tile) const {
    return std::any_of(tile.begin(), tile.end(), [&](const value& s) {
      if constexpr (k_follows)
        return s.center + s.after > m.score.center - m.score.after;
      else
        return s.after > m.score.after;
    });
  }

  std::int64_t tile() const { return kind_ == attention_algorithm::mma ? 64 : 32; }
  std::size_t lane_of(std::int64_t column) const {
    return std::size_t(kind_ == attention_algorithm::mma ? column % 8 / 2 : column % 4);
  }

  result by_tiles(const std::vector<value>& s, const reference::head_matrix<double>& values,
                  std::int64_t first, result r) const {
    sums all{std::vector<value>(4, Arithmetic::exact(0)), std::move(r.o)};
    largest m;
    for (std::int64_t begin = 0; begin < values.count;) {
      const std::int64_t column = (first + begin) % tile();
      const std::int64_t end = std::min(values.count, begin + tile() - column);
      const auto part = std::span(s).subspan(std::size_t(begin), std::size_t(end - begin));
      if (begin == 0 || moves(m, part)) {
        largest next = m;
        for (const value& each : part) next = larger(next, each);
        if (begin > 0) rescale(all, factor(m, next));
        m = next;
      }
      for (std::int64_t j = begin; j < end; ++j)
        take(all, weight(s[std::size_t(j)], m), lane_of(column + j - begin), values.row(j));
      begin = end;
    }
    const value l = plus(plus(all.l[0], all.l[1]), plus(all.l[2], all.l[3]));
    const value inverse = a_.div(Arithmetic::exact(1), l);
    for (value& o : all.o) o = a_.mul(o, inverse);
    return {std::move(all.o), logarithm(l, m)};
  }
  void rescale(sums& all, const value& by) const {
    for (value& l : all.l) l = is_zero(l) ? l : a_.mul(l, by);
    for (value& o : all.o) o = a_.mul(o, by);
  }
  void take(sums& all, const value& weight, std::size_t lane, std::span<const double> v) const {
    all.l[lane] = plus(all.l[lane], weight);
    const value p =
        kind_ == attention_algorithm::mma ? Arithmetic::convert(weights_, weight) : weight;
    for (std::size_t d = 0; d < v.size(); ++d)
      all.o[d] = a_.fma(p, Arithmetic::exact(v[d]), all.o[d]);
  }

  result whole_row(const std::vector<value>& s,
                   const reference::head_matrix<double>& values) const {
    largest m;
    for (const value& each : s) m = larger(m, each);
    std::vector<value> e;
    for (const value& each : s) e.push_back(weight(each, m));
    const value l = sum(a_, order{{interleaved{32, 1}, tree{}}}, e);
    const value inverse = a_.div(Arithmetic::exact(1), l);
    result r{std::vector<value>(std::size_t(values.width), Arithmetic::exact(0)), logarithm(l, m)};
    for (std::size_t j = 0; j < e.size(); ++j) {
      const value p = a_.mul(e[j], inverse);
      const auto v = values.row(std::int64_t(j));
      for (std::size_t d = 0; d < v.size(); ++d)
        r.o[d] = a_.fma(p, Arithmetic::exact(v[d]), r.o[d]);
    }
    return r;
  }

  // m + log l.
  value logarithm(const value& l, const largest& m) const {
    const bool base_2 = kind_ == attention_algorithm::mma;
    constexpr double k_ln2 = 0x1.62e42fefa39efp-1, k_held_ln2 = 0x1.62e43p-1;
    if constexpr (k_follows) {
      const double relative = l.after / l.center;
      const double exact_m = m.score.center * (base_2 ? scale_.center * k_ln2 : 1);
      const double log_l = std::log(l.center) - slack(m) * (base_2 ? k_ln2 : 1);
      const double lost =
          -std::log1p(-relative) + half_ulp(l.center + l.after) / (l.center - l.after);
      const double range = std::abs(log_l) + lost + slack(m);
      double before = lost + 2 * optimized::k_log1p_ulps * half_ulp(range);
      if (base_2)
        before +=
            std::abs(m.score.center) * scale_.after * k_ln2 +
            (std::abs(m.score.center) * scale_.center + slack(m)) * std::abs(k_held_ln2 - k_ln2);
      if (!(relative < 1)) before = reference::k_infinity;
      const double lse = exact_m + log_l;
      return {lse, before, before + half_ulp(std::abs(lse) + before)};
    } else {
      const value log_l = a_.apply(elementary_functions::k_log1p, a_.sub(l, Arithmetic::exact(1)),
                                   optimized::k_log1p_ulps);
      if (!base_2) return a_.add(m.score, log_l);
      return a_.fma(Arithmetic::exact(m.base), Arithmetic::exact(k_held_ln2), log_l);
    }
  }

  const Arithmetic& a_;
  attention_algorithm kind_;
  value scale_;
  reference::format weights_;
};

}  // namespace assay::properties
