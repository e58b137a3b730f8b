// How the kernels of optimized/attention*.cuh compute a row, operation by operation, in either
// arithmetic of arithmetic.hpp.
//
// All that a kernel sums up of a row is relative to the largest score m as it holds it, and its m
// may be off by what scores are off by. That is one factor in l and o alike: it cancels in o / l,
// and in m + log l. So the running arithmetic follows l and o relative to the exact m, charges no
// exponent with the error of m, and enlarges them by the largest such factor f of any m that a row
// has on its way. The kernel's numbers lie between 1 / f^2 of those followed and them
// (running::within).
#pragma once

#include "properties/accumulation.hpp"
#include "properties/attention_exponential.hpp"
#include "reference/attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace assay::properties {

enum class attention_algorithm { naive, simple, mma };

template <class Arithmetic>
class attention_arithmetic {
 public:
  using value = typename Arithmetic::value;

  // `scale` with its relative error; weights are rounded to `weights` before they meet values.
  // `biased`: something is added to every score, which is multiplied by its scale before that.
  attention_arithmetic(const Arithmetic& arithmetic, attention_algorithm kind, double scale,
                       double scale_error, reference::format weights, bool biased = false)
      : a_(arithmetic),
        kind_(kind),
        biased_(biased),
        // That of log2(e) in double, and of the product.
        score_scale_(kind == attention_algorithm::mma
                         ? held_in_fp32<Arithmetic>(scale * k_log2_e, scale_error + 0x1p-52)
                         : held_in_fp32<Arithmetic>(scale, scale_error)),
        scale_(biased ? Arithmetic::exact(1) : score_scale_),
        weights_(weights) {}

  struct result {
    std::vector<value> o;
    value lse = Arithmetic::exact(-reference::k_infinity);
  };

  // A query against the keys [first, ...) that it sees, and what is added to their scores.
  // `Number`: double, or a value that is off from what it stands for by an error of its own.
  template <class Number>
  result row(std::span<const Number> q, const reference::head_matrix<Number>& keys,
             const reference::head_matrix<Number>& values, std::int64_t first,
             std::span<const double> bias = {}) const {
    result r{std::vector<value>(q.size(), Arithmetic::exact(0))};
    if (keys.count == 0) return r;
    const std::vector<value> s = scores(q, keys, bias);
    return kind_ == attention_algorithm::naive ? whole_row(s, values)
                                               : by_tiles(s, values, first, std::move(r));
  }

 protected:
  static constexpr bool k_follows = std::is_same_v<Arithmetic, running>;

  // The largest score: for `running` the exact one, and how far the held one may lie from it.
  struct largest {
    value score = Arithmetic::exact(-reference::k_infinity);
    double base = 0;  // concrete, mma: what exponents are taken relative to, as it is held
  };
  struct sums {
    std::vector<value> l, o;  // l: of each lane
  };
  // The arithmetic of what lies under a common factor of up to e^room, or 2^room, either way.
  struct frame {
    Arithmetic wide;
    double room;
  };

  static double half_ulp(double x) {
    return std::isfinite(x) ? 0.5 * reference::ulp(reference::k_fp32, std::abs(x)) : 0;
  }
  static value lifted(double x) { return Arithmetic::exact(x); }
  static const value& lifted(const value& x) { return x; }
  static double center(const value& v) {
    if constexpr (k_follows)
      return v.center;
    else
      return v.after;
  }
  static value plus(const Arithmetic& a, const value& left, const value& right) {
    if (is_zero(left)) return right;
    return is_zero(right) ? left : a.add(left, right);
  }
  static bool is_zero(const value& v) {
    if constexpr (k_follows)
      return v.center == 0 && v.after == 0;
    else
      return v.before == 0 && v.after == 0;
  }

  template <class Number>
  std::vector<value> scores(std::span<const Number> q, const reference::head_matrix<Number>& keys,
                            std::span<const double> bias) const {
    std::vector<value> s;
    for (std::int64_t j = 0; j < keys.count; ++j) {
      if (!reference::is_there(bias, j)) {
        s.push_back(Arithmetic::exact(-reference::k_infinity));
        continue;
      }
      const auto k = keys.row(j);
      value dot = Arithmetic::exact(0);
      for (std::size_t d = 0; d < q.size(); ++d) dot = a_.fma(lifted(q[d]), lifted(k[d]), dot);
      if (biased_)
        dot = a_.fma(dot, score_scale_,
                     held_bias(a_, bias[std::size_t(j)], kind_ == attention_algorithm::mma));
      else if (kind_ != attention_algorithm::mma)
        dot = a_.mul(dot, score_scale_);
      s.push_back(dot);
    }
    return s;
  }

  // Is a score of -infinity: a pair that is not there?
  static bool is_gone(const value& score) { return center(score) == -reference::k_infinity; }

  // What exponents take scores times: with log2(e) folded in, or, where scores have it, 1.
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

  frame within(double room) const {
    const bool base_2 = kind_ == attention_algorithm::mma;
    return {a_.within(base_2 ? std::exp2(2 * room) : std::exp(2 * room)), room};
  }
  value exponential(const Arithmetic& wide, value exponent, double more) const {
    if constexpr (k_follows) exponent.center += more;
    return attention_exponential(wide, exponent, kind_ == attention_algorithm::mma);
  }
  // e^(s - m), or 2^(s scale - m scale).
  value weight(const frame& in, const value& s, const largest& m) const {
    if constexpr (k_follows) {
      double t = s.center - m.score.center, off = s.after;
      const bool exact = off == 0 && m.score.after == 0 && kind_ != attention_algorithm::mma;
      if (exact) return exponential(in.wide, a_.sub(s, Arithmetic::exact(m.score.center)), in.room);
      if (kind_ == attention_algorithm::mma) {
        off = off * (scale_.center + scale_.after) + std::abs(t) * scale_.after;
        t *= scale_.center;
      }
      // The kernel's own exponent is off by the common part too.
      return exponential(in.wide, {t, off, off + half_ulp(std::abs(t) + off + in.room)}, in.room);
    } else {
      if (kind_ != attention_algorithm::mma) return exponential(in.wide, a_.sub(s, m.score), 0);
      return exponential(in.wide, a_.fma(s, scale_, Arithmetic::exact(-m.base)), 0);
    }
  }
  // What sums relative to `before` are multiplied by to be relative to `after`. The kernel's own is
  // smaller or larger, by the errors of both: its roundings are charged as the largest, relative to
  // it, that there may be.
  value factor(const largest& before, const largest& after) const {
    if constexpr (k_follows) {
      const double t = (before.score.center - after.score.center) * unit();
      const double room = slack(before) + slack(after);
      const bool exact = before.score.after == 0 && after.score.after == 0 &&
                         kind_ != attention_algorithm::mma && t == 0;
      const double off = exact ? 0 : half_ulp(std::abs(t) + room);
      return exponential(within(std::max(1.0, room)).wide, {t, off, off}, 0);
    } else {
      const value t = kind_ == attention_algorithm::mma
                          ? a_.sub(Arithmetic::exact(before.base), Arithmetic::exact(after.base))
                          : a_.sub(before.score, after.score);
      return exponential(a_, t, 0);
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

  // Keys of a row that one tile holds, the maximum once it is taken, and whether that may be
  // another than before.
  struct part {
    std::int64_t begin = 0, end = 0;
    largest m;
    bool moved = true;
  };
  std::vector<part> parts_of(const std::vector<value>& s, std::int64_t first) const {
    std::vector<part> all;
    const auto count = std::int64_t(s.size());
    for (std::int64_t begin = 0; begin < count; begin = all.back().end) {
      const std::int64_t end = std::min(count, begin + tile() - (first + begin) % tile());
      const auto scores = std::span(s).subspan(std::size_t(begin), std::size_t(end - begin));
      part next{begin, end, all.empty() ? largest{} : all.back().m};
      next.moved = all.empty() || moves(next.m, scores);
      for (const value& each : scores)
        if (next.moved) next.m = larger(next.m, each);
      all.push_back(next);
    }
    return all;
  }

  template <class Number>
  result by_tiles(const std::vector<value>& s, const reference::head_matrix<Number>& values,
                  std::int64_t first, result r) const {
    sums all{std::vector<value>(4, Arithmetic::exact(0)), std::move(r.o)};
    const std::vector<part> parts = parts_of(s, first);
    double room = 0;
    for (const part& each : parts) room = std::max(room, slack(each.m));
    const frame in = within(room);
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const part& now = parts[k];
      if (k > 0 && now.moved) rescale(in.wide, all, factor(parts[k - 1].m, now.m));
      for (std::int64_t j = now.begin; j < now.end; ++j) {
        if (is_gone(s[std::size_t(j)])) continue;
        take(in.wide, all, weight(in, s[std::size_t(j)], now.m), lane_of((first + j) % tile()),
             values.row(j));
      }
    }
    const value l =
        plus(in.wide, plus(in.wide, all.l[0], all.l[1]), plus(in.wide, all.l[2], all.l[3]));
    const value inverse = in.wide.div(Arithmetic::exact(1), l);
    for (value& o : all.o) o = a_.mul(o, inverse);
    return {std::move(all.o), logarithm(l, parts.back().m, room)};
  }
  void rescale(const Arithmetic& wide, sums& all, const value& by) const {
    for (value& l : all.l) l = is_zero(l) ? l : wide.mul(l, by);
    for (value& o : all.o) o = wide.mul(o, by);
  }
  template <class Number>
  void take(const Arithmetic& wide, sums& all, const value& weight, std::size_t lane,
            std::span<const Number> v) const {
    all.l[lane] = plus(wide, all.l[lane], weight);
    const value p = kind_ == attention_algorithm::mma ? wide.narrowed(weights_, weight) : weight;
    for (std::size_t d = 0; d < v.size(); ++d) all.o[d] = wide.fma(p, lifted(v[d]), all.o[d]);
  }

  template <class Number>
  result whole_row(const std::vector<value>& s,
                   const reference::head_matrix<Number>& values) const {
    largest m;
    for (const value& each : s) m = larger(m, each);
    const frame in = within(slack(m));
    std::vector<value> e;
    for (const value& each : s)
      e.push_back(is_gone(each) ? Arithmetic::exact(0) : weight(in, each, m));
    const value l = sum(in.wide, order{{interleaved{32, 1}, tree{}}}, e);
    const value inverse = in.wide.div(Arithmetic::exact(1), l);
    result r{std::vector<value>(std::size_t(values.width), Arithmetic::exact(0)),
             logarithm(l, m, in.room)};
    for (std::size_t j = 0; j < e.size(); ++j) {
      if (is_gone(s[j])) continue;
      const value p = a_.mul(e[j], inverse);
      const auto v = values.row(std::int64_t(j));
      for (std::size_t d = 0; d < v.size(); ++d) r.o[d] = a_.fma(p, lifted(v[d]), r.o[d]);
    }
    return r;
  }

  // m + log l.
  value logarithm(const value& l, const largest& m, double room) const {
    const bool base_2 = kind_ == attention_algorithm::mma;
    constexpr double k_ln2 = 0x1.62e42fefa39efp-1, k_held_ln2 = 0x1.62e43p-1;
    if constexpr (k_follows) {
      const double relative = l.after / l.center;
      const double exact_m = m.score.center * (base_2 ? scale_.center * k_ln2 : 1);
      const double log_l = std::log(l.center) - room * (base_2 ? k_ln2 : 1);
      // l - 1, which lies between -1 and l.
      const double lost = -std::log1p(-relative) + 0x1p-24 * (1 + relative) / (1 - relative);
      const double range = std::abs(log_l) + lost + room;
      double before = lost + 2 * optimized::k_log1p_ulps * half_ulp(range);
      if (base_2)
        before += std::abs(m.score.center) * scale_.after * k_ln2 +
                  (std::abs(m.score.center) * scale_.center + room) * std::abs(k_held_ln2 - k_ln2);
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
  bool biased_;
  value score_scale_, scale_;  // of scores, and of exponents
  reference::format weights_;
};

}  // namespace assay::properties
