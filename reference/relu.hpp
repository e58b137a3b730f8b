// ReLU: relu(x) = max(x, 0). Exact in every format.
//
// relu(-0) = +0, relu(NaN) = NaN. The derivative is 0 for x < 0 and 1 for x > 0; at 0, where there
// is none, it is 0 (as PyTorch has it); NaN at NaN. A gradient from above is selected, not
// multiplied: where the derivative is 0 the result is +0, even for an infinite or NaN gradient.
#pragma once

#include "reference/elementwise.hpp"
#include "reference/enclosure.hpp"

namespace assay::reference {

struct relu_forward {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    return exactly(x <= R(0) ? R(0) : x);
  }
};

struct relu_slope {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    if (is_nan(x)) return exactly(x);
    return exactly(R(x <= R(0) ? 0 : 1));
  }

  /// The slope at one x times a gradient from above; used instead of enclosure::times.
  template <real R>
  static enclosure<R> times(const enclosure<R>& slope, const R& gradient) {
    if (slope.head == R(0)) return slope;
    return slope.head == R(1) ? exactly(gradient) : slope;
  }
};

template <real R>
R relu(const R& x) {
  return relu_forward{}(x).value();
}
template <real R>
R relu_derivative(const R& x) {
  return relu_slope{}(x).value();
}

inline constexpr elementwise k_relu = describe<relu_forward>("relu");
inline constexpr elementwise k_relu_derivative = describe<relu_slope>("relu.derivative");

}  // namespace assay::reference
