// Mish (Misra, "Mish: a self regularized non-monotonic activation function", arXiv:1908.08681):
//
//   mish(x) = x tanh(softplus(x)) = x tanh(log(1 + e^x)) = x n (n + 2) / (n (n + 2) + 2),  n = e^x
//
// Domain: all reals; mish(-0) = -0, mish(inf) = inf, mish(-inf) = -0, derivatives 1 and -0 there,
// 3/5 at 0; NaN to NaN. One minimum, -0.30884341301725041 at x = -1.1924312145154955
//
// Unlike the others mish has no ties near zero: mish(x) = 3x/5 + ..., and three fifths of a number
// of p bits stay a tenth of an ULP away from every midpoint, or are exactly representable.
#pragma once

#include "reference/elementwise.hpp"
#include "reference/enclosure.hpp"
#include "reference/special.hpp"

namespace assay::reference {

/// Everything is rational in m = e^-|x|, with positive terms only. Relative error: twice that of m
/// (m^2 on the right), at most 24 u for the operations, 3 u for the ends of the enclosure.
template <real R>
R mish_error() {
  return R(2 * special<R>::k_error + 32 * k_unit_roundoff<R>);
}

/// Left of zero both functions are about 2 x m, right of it they differ from x and 1 by about 2 x
/// m^2.
template <real R>
bool beyond_mish_range(const R& x) {
  return (x < R(0) ? R(-x) : R(R(2) * x)) > R(real_traits<R>::k_exponent_range);
}

/// x < 0: x m (m + 2) / (m (m + 2) + 2); x > 0: x - 2 x m^2 / (1 + 2m + 2m^2).
struct mish_forward {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    if (x == R(0)) return exactly(x);
    const bool negative = x < R(0);
    const R size = magnitude(x);
    if (beyond_mish_range(x)) return vanishing(negative ? R(0) : x, -1);
    const R m = special<R>::exp(R(-size));
    if (negative) {
      const R n = m * (m + R(2));
      return relatively(R(0), R(x * (n / (n + R(2)))), mish_error<R>());
    }
    const R square = R(2) * m * m;
    return relatively(x, R(-x * (square / (R(1) + R(2) * m + square))), mish_error<R>());
  }
};

/// With D = n (n + 2) + 2: mish' = n (n + 2) / D + 4 x n (n + 1) / D^2.
/// x > 0, in m, with E = D m^2 = 1 + 2m + 2m^2: 1 - (2 m^2 / E - 4 x m^2 (1 + m) / E^2).
/// Either difference has one zero, where its error is that of its terms.
struct mish_slope {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    const bool negative = x < R(0);
    const R size = magnitude(x);
    if (beyond_mish_range(x)) return vanishing(R(negative ? 0 : 1), negative ? -1 : 1);
    const R m = special<R>::exp(R(-size));
    if (negative) {
      const R n = m * (m + R(2));
      const R denominator = n + R(2);
      const R gate = n / denominator;
      const R product = R(4) * size * m * (m + R(1)) / (denominator * denominator);
      return {R(0), gate - product, (gate + product) * mish_error<R>()};
    }
    const R square = R(2) * m * m;
    const R denominator = R(1) + R(2) * m + square;
    const R rest = square / denominator;
    const R product = R(2) * size * square * (R(1) + m) / (denominator * denominator);
    return {R(1), product - rest, (rest + product) * mish_error<R>()};
  }
};

template <real R>
R mish(const R& x) {
  return mish_forward{}(x).value();
}
template <real R>
R mish_derivative(const R& x) {
  return mish_slope{}(x).value();
}

inline constexpr elementwise k_mish = describe<mish_forward>("mish");
inline constexpr elementwise k_mish_derivative = describe<mish_slope>("mish.derivative");

}  // namespace assay::reference
