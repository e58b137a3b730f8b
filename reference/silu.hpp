// SiLU, or Swish (Elfwing, Uchibe, Doya, arXiv:1702.03118; Ramachandran, Zoph, Le,
// arXiv:1710.05941):
//
//   silu(x) = x sigmoid(x) = x / (1 + e^-x)
//
// Domain: all reals; silu(-0) = -0, silu(inf) = inf, silu(-inf) = -0, derivatives 1 and -0 there;
// NaN to NaN. One minimum, -0.27846454276107380 at x = -1.2784645427610738 (where x = -1 - e^x).
#pragma once

#include "reference/elementwise.hpp"
#include "reference/sigmoid_gate.hpp"

namespace assay::reference {

struct silu_gate {
  template <real R>
  gate<R> operator()(const R& x) const {
    return {x, x, R(0)};
  }
};
using silu_forward = gated_forward<silu_gate>;
using silu_slope = gated_slope<silu_gate>;

template <real R>
R silu(const R& x) {
  return silu_forward{}(x).value();
}
template <real R>
R silu_derivative(const R& x) {
  return silu_slope{}(x).value();
}

inline constexpr elementwise k_silu = describe<silu_forward>("silu");
inline constexpr elementwise k_silu_derivative = describe<silu_slope>("silu.derivative");

}  // namespace assay::reference
