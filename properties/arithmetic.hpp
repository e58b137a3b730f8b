// Two arithmetics in which one model of an implementation runs.
//
// A model is the implementation's computation written once, as a template over its arithmetic:
//
//   running    follows the exact result in double and adds up, operation by operation, how far the
//              implementation's own result may lie from it: the strict bound of that input
//              (running error analysis: Higham, Accuracy and Stability, 2nd ed., section 3.3)
//   concrete   computes as the implementation does, rounding every operation to its format: CPU
//              stand-ins for kernels, and the Monte-Carlo replicates of the statistical test
//
// Both speak of formats of at most 24 bits of precision. Values are doubles; a double operation
// followed by rounding to p <= 24 bits is the correctly rounded operation, since 53 >= 2p + 2
// (Figueroa, "When is double rounding innocuous?", 1995), for +, -, *, / and sqrt.
#pragma once

#include "properties/philox.hpp"
#include "reference/round.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

namespace assay::properties {

// An elementary function as a model applies it: its value in double, and the largest |f'| over
// [low, high], by which the error of its argument spreads; never further than from one end of its
// range to the other.
struct elementary {
  double (*value)(double);
  double (*steepest)(double low, double high);
  double range = std::numeric_limits<double>::infinity();
};

namespace elementary_functions {
inline constexpr elementary k_exp = {[](double x) { return std::exp(x); },
                                     [](double, double high) { return std::exp(high); }};
inline constexpr elementary k_exp2 = {
    [](double x) { return std::exp2(x); },
    [](double, double high) { return 0x1.62e42fefa39efp-1 * std::exp2(high); }};
inline constexpr elementary k_erf = {
    [](double x) { return std::erf(x); },
    [](double low, double high) {
      const double nearest = low > 0 ? low : high < 0 ? high : 0;
      return 0x1.20dd750429b6dp+0 * std::exp(-nearest * nearest);  // 2 / sqrt(pi) e^(-x^2)
    }};
inline constexpr elementary k_tanh = {
    [](double x) { return std::tanh(x); },
    [](double low, double high) {
      const double nearest = low > 0 ? low : high < 0 ? high : 0, c = std::cosh(nearest);
      return 1 / (c * c);
    },
    2};
inline constexpr elementary k_cosh = {
    [](double x) { return std::cosh(x); },
    [](double low, double high) { return std::sinh(std::max(std::abs(low), std::abs(high))); }};
inline constexpr elementary k_log1p = {[](double x) { return std::log1p(x); },
                                       [](double low, double) {
                                         return low > -1 ? 1 / (1 + low)
                                                         : std::numeric_limits<double>::infinity();
                                       }};
}  // namespace elementary_functions

// How a tensor core adds a block of products to its accumulator: all terms aligned to the largest,
// `extra_bits` kept below the accumulator's last place, the rest cut off, and the sum cut to the
// format (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor cores", 2021).
struct truncating_adder {
  int block = 16;
  int extra_bits = 2;
};

// Which operations a running bound charges with a rounding.
//   what_rounds  those that may round: one whose operands carry no error, and whose exact result
//                the format holds, is exact in the implementation too (integers, powers of two)
//   everything   all of them. How errors scatter is learnt from data that is like a case's and not
//                the same: an element's weight must not depend on the roundings that it was spared.
enum class charge { what_rounds, everything };

class running {
 public:
  struct value {
    double center = 0;  // the exact result, up to double's own rounding
    double before =
        0;             // |implementation's result before its last rounding - exact| is at most this
    double after = 0;  // the same, after that rounding
  };

  explicit running(reference::format format, charge charged = charge::what_rounds)
      : format_(format), charged_(charged) {}

  // The same for an implementation whose numbers are smaller than those followed, all by one factor
  // of up to `spread`: a rounding is charged as the largest that one of them can have, relative to
  // it. That is at most the unit roundoff, or half an ULP of zero times the factor; and no more
  // than half an ULP of what is followed times the factor, since a smaller number has no larger
  // one.
  running within(double spread) const {
    running other = *this;
    other.spread_ = spread;
    return other;
  }

  static value exact(double x) { return {x, 0, 0}; }
  value constant(double x) const { return rounded(x, 0, 0); }

  static value negated(value a) { return {-a.center, a.before, a.after}; }
  value add(value a, value b) const {
    const auto sum = reference::two_sum(a.center, b.center);
    return rounded(sum.value, a.after + b.after, sum.error);
  }
  value sub(value a, value b) const { return add(a, negated(b)); }
  value mul(value a, value b) const {
    const double product = a.center * b.center;
    if (!std::isfinite(product)) return product_beyond(product, a, b);
    return rounded(product, product_error(a, b), std::fma(a.center, b.center, -product));
  }
  value fma(value a, value b, value c) const {
    const double product = a.center * b.center, total = std::fma(a.center, b.center, c.center);
    const double lost = std::fma(a.center, b.center, -product) != 0
                            ? k_unknown
                            : reference::two_sum(product, c.center).error;
    return rounded(total, product_error(a, b) + c.after, lost);
  }
  value div(value a, value b) const {
    const double room = std::abs(b.center) - b.after;
    const double quotient = a.center / b.center;
    return rounded(quotient,
                   room > 0 ? (a.after + std::abs(quotient) * b.after) / room : k_unbounded,
                   std::fma(-quotient, b.center, a.center));
  }
  // `ulps` is the stated error of the implementation's function, its own rounding included.
  template <class Function>
  value apply(const Function& f, value x, double ulps) const {
    const double y = f.value(x.center);
    double carried =
        x.after == 0 ? 0 : f.steepest(x.center - x.after, x.center + x.after) * x.after;
    if constexpr (requires { f.range; }) carried = !(carried <= f.range) ? f.range : carried;
    const double own = ulps * 2 * half_ulp(std::abs(y) + carried);
    return overflowing({y, carried + std::max(0.0, own - half_ulp(std::abs(y))), carried + own});
  }
  // A function of exact inputs whose error is stated as a whole: at most `ulps` of its result, or
  // `floor` where that is more.
  value known(double exact_result, double ulps, double floor = 0) const {
    const double half = half_ulp(std::abs(exact_result)), own = std::max(2 * ulps * half, floor);
    return {exact_result, std::max(0.0, own - half), own};
  }
  // The same result where the exact one may lie up to `by` from what was followed.
  static value moved(value v, double by) { return {v.center, v.before + by, v.after + by}; }
  // The larger of the two: exact, and no further from the larger truth than either input from its
  // own; than the larger from its own, where the other cannot be it.
  static value max(value a, value b) {
    if (a.center < b.center) std::swap(a, b);
    const bool alone = b.center + b.after <= a.center - a.after;
    const double error = alone ? a.after : std::max(a.after, b.after);
    return {std::max(a.center, b.center), error, error};
  }
  // a times the number b, not rounded: a product inside a fused multiply-add or a tensor core.
  static value exact_product(value a, double b) {
    return {a.center * b, a.after * std::abs(b), a.after * std::abs(b)};
  }
  // One more rounding, to a format of its own: a place where the implementation rounds.
  static value convert(reference::format to, value a) {
    return running(to).rounded(a.center, a.after, k_unknown);
  }
  value narrowed(reference::format to, value a) const {
    return running(to, charged_).within(spread_).rounded(a.center, a.after, k_unknown);
  }

  value add_truncated(value sum, std::span<const value> terms, const truncating_adder& adder) const;

  // The bound on |result before its rounding to `output` - exact|. The centre is computed in
  // double: each of its roundings is below 2^-28 of the half ulp added beside it, which the factor
  // covers.
  // (A result that overflows this format on its way to a narrower one is infinite there too, so its
  // last rounding counts as if it did not overflow.)
  double bound(value result, reference::format output) const {
    const double rounded = result.before + half_ulp(std::abs(result.center) + result.before);
    const double after = std::min(result.after, std::max(rounded, result.before));
    return (output == format_ ? result.before : after) * (1 + 0x1p-27);
  }

 private:
  static constexpr double k_unbounded = std::numeric_limits<double>::infinity();
  static constexpr double k_unknown = std::numeric_limits<double>::quiet_NaN();

  double half_ulp(double magnitude) const {
    const double half = 0.5 * reference::ulp(format_, magnitude);
    if (spread_ == 1) return half;
    const double relative = std::ldexp(magnitude, -format_.precision),
                 smallest = 0.5 * spread_ * reference::ulp(format_, 0);
    return std::min(spread_ * half, std::max(relative, smallest));
  }
  // center + lost is the exact result of the operation on its operands' centres.
  value rounded(double center, double error, double lost) const {
    if (is_free(center, error, lost)) return {center, 0, 0};
    return overflowing({center, error, error + half_ulp(std::abs(center) + error)});
  }
  // (An overflow is not: it rounds to infinity.)
  bool is_free(double center, double error, double lost) const {
    return charged_ == charge::what_rounds && error == 0 && lost == 0 &&
           reference::round(format_, center) == center;
  }
  // An infinite or undefined exact result is met exactly, but for one that came of what could be
  // anything; an intermediate one that may overflow can be anything afterwards.
  value overflowing(value v) const {
    if (!std::isfinite(v.center) && v.after != k_unbounded) return {v.center, 0, 0};
    if (!(std::abs(v.center) + v.after <= reference::max_finite(format_))) v.after = k_unbounded;
    return v;
  }
  // Does infinity meet a number of which it is not certain that it is not zero? (What lies three
  // places below the smallest number is certainly zero.)
  bool may_be_anything(value infinite, value b) const {
    return std::isinf(infinite.center) && std::abs(b.center) <= b.after &&
           std::abs(b.center) > 0.125 * reference::ulp(format_, 0);
  }
  value product_beyond(double product, value a, value b) const {
    const bool open = may_be_anything(a, b) || may_be_anything(b, a) || a.after == k_unbounded ||
                      b.after == k_unbounded;
    return open ? value{product, k_unbounded, k_unbounded} : value{product, 0, 0};
  }
  static double product_error(value a, value b) {
    return std::abs(a.center) * b.after + std::abs(b.center) * a.after + a.after * b.after;
  }

  reference::format format_;
  charge charged_;
  double spread_ = 1;
};

// How the functions that a concrete model calls err, within their stated ULPs.
struct function_errors {
  element_stream* random = nullptr;  // each call by its own draw, where there is a stream
  double fixed = 0;                  // else all alike: from -1, all low, through 0, all right, to 1

  double draw() const { return random ? 2 * random->uniform() - 1 : fixed; }
};

class concrete {
 public:
  struct value {
    double before = 0;  // the last operation's exact result
    double after = 0;   // what the implementation holds
  };

  explicit concrete(reference::format format, function_errors errors = {})
      : format_(format), errors_(errors) {}

  static value exact(double x) { return {x, x}; }
  value constant(double x) const { return rounded(x); }
  static value negated(value a) { return {-a.before, -a.after}; }
  value add(value a, value b) const { return rounded(a.after + b.after); }
  value sub(value a, value b) const { return rounded(a.after - b.after); }
  value mul(value a, value b) const { return rounded(a.after * b.after); }
  value fma(value a, value b, value c) const {
    return rounded(
        std::fma(a.after, b.after, c.after));  // double rounding: 2^-29 of an ulp, rarely
  }
  value div(value a, value b) const { return rounded(a.after / b.after); }
  template <class Function>
  value apply(const Function& f, value x, double ulps) const {
    const double y = f.value(x.after);
    return rounded(y + std::max(0.0, ulps - 0.5) * reference::ulp(format_, y) * errors_.draw());
  }
  value known(double exact_result, double ulps, double floor = 0) const {
    const double half = 0.5 * reference::ulp(format_, exact_result);
    const double excess = std::max(0.0, std::max(2 * ulps * half, floor) - half);
    return rounded(exact_result + excess * errors_.draw());
  }
  static value moved(value v, double) { return v; }
  static value max(value a, value b) {
    return {std::max(a.after, b.after), std::max(a.after, b.after)};
  }
  static value exact_product(value a, double b) { return {a.after * b, a.after * b}; }
  static value convert(reference::format to, value a) { return concrete(to).rounded(a.after); }
  static value narrowed(reference::format to, value a) { return convert(to, a); }
  concrete within(double) const { return *this; }

  value add_truncated(value sum, std::span<const value> terms, const truncating_adder& adder) const;

  // The result before its rounding to `output`.
  double unrounded(value result, reference::format output) const {
    return output == format_ ? result.before : result.after;
  }

 private:
  value rounded(double exact) const { return {exact, reference::round(format_, exact)}; }

  reference::format format_;
  function_errors errors_;
};

}  // namespace assay::properties
