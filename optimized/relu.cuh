// relu(x) = max(x, 0), and its gradient. NaN stays NaN, -0 becomes +0; the derivative at 0 is 0.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/simt/build.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <class T>
struct relu_forward {
  static constexpr int k_inputs = 1;
  explicit relu_forward(const call&) {}
  SIMT_DEVICE float operator()(float x) const { return x <= 0.0f ? 0.0f : x; }
};

// Selects the gradient instead of multiplying it: an infinite one is not met by a zero.
template <class T>
struct relu_backward {
  static constexpr int k_inputs = 2;
  explicit relu_backward(const call&) {}
  SIMT_DEVICE float operator()(float x, float dy) const {
    return x <= 0.0f ? 0.0f : x > 0.0f ? dy : x;
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
