// x sigmoid(w(x)) and its derivative, for odd and increasing w: silu (w = x) and gelu.tanh (w =
// 2u).
#pragma once

#include "reference/enclosure.hpp"
#include "reference/special.hpp"

namespace assay::reference {

/// What a gate w(x) gives at one x.
template <real R>
struct gate {
  R w;
  R slope;           // x w'(x), with the same relative error as w
  R relative_error;  // of w
};

/// Relative error of sigmoid(-|w|) = m / (1 + m), m = e^-|w|, and of tanh(w/2), times a few
/// factors: the function's own, the error of w amplified by |w| + 1, 8 u for the sigmoid, its
/// products and the factor x w', 3 u for the ends of the enclosure. (1 + m and its square carry
/// less than m does.)
template <real R>
R gate_error(const gate<R>& g) {
  return R(special<R>::k_error) + g.relative_error * (magnitude(g.w) + R(2)) +
         R(16 * k_unit_roundoff<R>);
}

template <real R>
bool beyond_exponent_range(const R& w) {
  return magnitude(w) > R(real_traits<R>::k_exponent_range);
}

/// x/2 + x/2 tanh(w/2) near zero, else max(x, 0) - |x| sigmoid(-|w|): no cancellation on either
/// side.
template <class Gate>
struct gated_forward {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    if (x == R(0)) return exactly(x);
    const gate<R> g = Gate{}(x);
    const R head = x < R(0) ? R(0) : x;
    if (beyond_exponent_range(g.w)) return vanishing(head, -1);
    if (magnitude(g.w) < R(1)) {
      const R half = x * R(0.5);
      return relatively(half, R(half * special<R>::tanh(R(g.w * R(0.5)))), gate_error(g));
    }
    const R m = special<R>::exp(R(-magnitude(g.w)));
    return relatively(head, R(-magnitude(x) * (m / (R(1) + m))), gate_error(g));
  }
};

/// sigmoid(w) + x w' sigmoid(w) sigmoid(-w) = 1/2 + (tanh(w/2)/2 + x w' s(w) s(-w)) near zero, both
/// terms of one sign; else, with d = s(-|w|) - |x w'| s(w) s(-w): d on the left and 1 - d on the
/// right. d has one zero, where its error is that of its terms.
template <class Gate>
struct gated_slope {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    const gate<R> g = Gate{}(x);
    const bool negative = x < R(0);
    if (beyond_exponent_range(g.w)) return vanishing(R(negative ? 0 : 1), negative ? -1 : 1);
    const R size = magnitude(g.w);
    const R m = special<R>::exp(R(-size));
    const R closed = m / (R(1) + m);
    const R product = magnitude(g.slope) * (closed / (R(1) + m));
    if (size < R(1)) {
      const R tail = special<R>::tanh(R(size * R(0.5))) * R(0.5) + product;
      return relatively(R(0.5), negative ? R(-tail) : tail, gate_error(g));
    }
    const R d = closed - product;
    return {R(negative ? 0 : 1), negative ? d : R(-d), (closed + product) * gate_error(g)};
  }
};

}  // namespace assay::reference
