// What the fp32 functions of this folder state of themselves: the largest error in ULPs, over all
// inputs or as far as measured (README.md says which). Beside each function stands its worst input.
// One place: the contracts (properties/) build their bounds from these.
#pragma once

namespace assay::optimized {

// Elementary functions, of which the naive formulas are made.
inline constexpr double k_exp_ulps = 1.02;
inline constexpr double k_erf_ulps = 1.0;
inline constexpr double k_tanh_ulps = 0.91;
inline constexpr double k_cosh_ulps = 1.5;
inline constexpr double k_log1p_ulps = 2.0;

// The fused routines, before any rounding to a narrower type.
inline constexpr double k_gelu_erf_ulps = 1.62, k_gelu_erf_derivative_ulps = 1.92;
inline constexpr double k_gelu_tanh_ulps = 1.22, k_gelu_tanh_derivative_ulps = 1.83;
inline constexpr double k_silu_ulps = 2, k_silu_derivative_ulps = 2;
inline constexpr double k_mish_ulps = 2, k_mish_derivative_ulps = 2;

}  // namespace assay::optimized
