// erf and erfc at any precision up to 1000 bits, from one exponential a node and arithmetic.
//
// With s = 2/sqrt pi e^(-t^2), Taylor's series at a node t is
//
//   erfc(t + h) = erfc(t) - s (a_0 h + a_1 h^2/2 + a_2 h^3/3 + ...),
//   a_0 = 1, a_1 = -2t, a_(n+1) = -2 (t a_n + a_(n-1)) / (n + 1)
//
// since a_n is the nth Taylor coefficient of e^(t^2 - (t+h)^2) = e^(-2th - h^2), Hermite's
// generating function (A&S 22.9.17). Nodes stand at k/16, 0 <= k <= 448, so |h| <= 1/32 and some 35
// terms give 50 digits. Their values come down from t = 28, where the asymptotic series
// (A&S 7.1.23) is good to 2^-1131, by the same series with h = -1/16: every step adds a positive
// amount, so nothing cancels, and errors made far out are dwarfed by what is added later. That
// erfc(0) = 1 comes out checks them all.
#pragma once

#include "reference/special.hpp"

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace assay::reference {

template <real R>
class erfc_table {
 public:
  erfc_table() {
    nodes_.resize(k_nodes);
    R w = asymptotic_series(R(k_last));
    for (int k = k_nodes - 1;; --k) {
      fill(nodes_[std::size_t(k)], position(k), w);
      if (k == 0) break;
      w = step_down(position(k), w) * special<R>::exp(R((1 - 2 * k) / 256.0));
    }
    R& erfc_of_zero = nodes_.front().value;
    if (!(magnitude(R(erfc_of_zero - R(1))) <= R(256 * k_unit_roundoff<R>))) {
      throw std::logic_error("erfc_table: the series from t = 28 down did not end in erfc(0) = 1");
    }
    erfc_of_zero = R(1);  // exactly: erf(t) = 1 - erfc(0) + ... must vanish with t
  }

  /// Relative error at most 2^(8 - p) and that of exp(-t^2), twice; beyond t = 28, t^2 2^(2 - p)
  /// more.
  R erfc(const R& t) const {
    if (is_nan(t)) return t;
    if (t < R(0)) return R(2) - erfc(R(-t));
    if (t > R(k_last)) {
      return asymptotic_series(t) * constants<R>::two_over_sqrt_pi() * special<R>::exp(R(-t * t));
    }
    const node& n = nearest(t);
    return n.value - increment(n, R(t - n.t));
  }

  /// Relative error at most 2^(8 - p).
  R erf(const R& t) const {
    if (t < R(0)) return -erf(R(-t));
    if (!(t < R(1))) return R(1) - erfc(t);
    const node& n = nearest(t);
    return (R(1) - n.value) + increment(n, R(t - n.t));
  }

 private:
  static constexpr int k_nodes = 16 * 28 + 1;
  static constexpr double k_last = 28;
  static_assert(real_traits<R>::k_digits <= 1000, "the table starts from a series good to 2^-1131");

  struct node {
    R t;
    R value;                      // erfc(t)
    std::vector<R> coefficients;  // s a_n / (n + 1)
  };

  static double position(int k) { return k / 16.0; }
  const node& nearest(const R& t) const {
    return nodes_[std::size_t(std::lrint(16 * static_cast<double>(t)))];
  }

  /// erfc(t + h) = erfc(t) - increment.
  static R increment(const node& n, const R& h) {
    R sum = n.coefficients.back();
    for (std::size_t i = n.coefficients.size() - 1; i-- > 0;) sum = sum * h + n.coefficients[i];
    return sum * h;
  }

  /// w = erfc(t) / s = 1/(2t) (1 - 1/(2t^2) + 1 3/(2t^2)^2 - ...), t >= 28: the terms fall until
  /// after t^2 of them, and the error is less than the first one left out.
  static R asymptotic_series(const R& t) {
    const R ratio = R(-0.5) / (t * t);
    R term = R(0.5) / t;
    R sum = term;
    for (int m = 1; magnitude(term) > R(k_negligible) * sum; ++m) {
      term = term * ratio * R(2 * m - 1);
      sum = sum + term;
    }
    return sum;
  }

  /// Calls use(n, a_n) until two neighbours, divided by their n + 1 and with h^n, are negligible
  /// against w > 1/(2t + 2) (A&S 7.1.13).
  template <class Use>
  static void for_coefficients(double t, double h, Use use) {
    R before(0);
    R a(1);
    const R limit = R(k_negligible / (2 * t + 2));
    R power(1);
    bool was_small = false;
    for (int n = 0;; ++n) {
      use(n, a);
      const bool small = magnitude(R(a * power)) < limit * R(n + 1);
      if (small && was_small) return;
      was_small = small;
      const R next = R(-2) * (R(t) * a + before) / R(n + 1);
      before = a;
      a = next;
      power = power * R(h);
    }
  }

  /// e^(t^2) sqrt pi/2 erfc(t - 1/16), given w at t.
  static R step_down(double t, const R& w) {
    R sum = w;
    R power(-1.0 / 16);
    for_coefficients(t, 1.0 / 16, [&](int n, const R& a) {
      sum = sum - a * power / R(n + 1);
      power = power * R(-1.0 / 16);
    });
    return sum;
  }

  static void fill(node& n, double t, const R& w) {
    const R s = constants<R>::two_over_sqrt_pi() * special<R>::exp(R(-t * t));
    n.t = R(t);
    n.value = s * w;
    for_coefficients(t, 1.0 / 32,
                     [&](int i, const R& a) { n.coefficients.push_back(s * a / R(i + 1)); });
  }

  static constexpr double k_negligible = k_unit_roundoff<R> / 16;

  std::vector<node> nodes_;
};

}  // namespace assay::reference
