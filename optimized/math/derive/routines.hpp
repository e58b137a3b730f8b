// The routines under test, by name.
#pragma once

#include <functional>

#include "exact.hpp"
#include "optimized/math/erf.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/math/gelu_erf.cuh"
#include "optimized/math/gelu_tanh.cuh"
#include "optimized/math/hyperbolic.cuh"
#include "optimized/math/log1p.cuh"
#include "optimized/math/mish.cuh"
#include "optimized/math/silu.cuh"

namespace derive {

struct routine {
  std::string name, truth;
  format from, to;
  double (*run)(double);
};

// The number with these bits.
inline double value_of(const format& f, std::uint32_t bits) {
  if (f.precision == 24) return float_of(bits);
  if (f.precision == 8) return float_of(bits << 16);
  const int e = bits >> 10 & 31, m = bits & 1023;
  const double magnitude = e == 31 ? (m ? NAN : INFINITY) : e ? std::ldexp(1024 + m, e - 25) : std::ldexp(m, -24);
  return bits >> 15 ? -magnitude : magnitude;
}

#define ASSAY_ROUTINE(name) \
  {#name, #name, k_fp32, k_fp32, [](double x) { return double(assay::optimized::math::name(float(x))); }}

inline const std::vector<routine>& routines() {
  static const std::vector<routine> all = {
      ASSAY_ROUTINE(gelu_erf), ASSAY_ROUTINE(gelu_erf_derivative), ASSAY_ROUTINE(gelu_tanh), ASSAY_ROUTINE(gelu_tanh_derivative), ASSAY_ROUTINE(silu), ASSAY_ROUTINE(silu_derivative), ASSAY_ROUTINE(mish), ASSAY_ROUTINE(mish_derivative), ASSAY_ROUTINE(exp), ASSAY_ROUTINE(erf), ASSAY_ROUTINE(tanh), ASSAY_ROUTINE(cosh), ASSAY_ROUTINE(log1p),
  };
  return all;
}

}  // namespace derive
