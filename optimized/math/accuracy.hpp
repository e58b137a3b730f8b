// What the fp32 functions of this folder state of themselves: the largest error in ULPs over all
// inputs, rounded up (README.md has the sweeps). Those marked `sampled` were not swept in full yet:
// what they state lies above every sample, and is no more than that.
// One place: the contracts (properties/) build their bounds from these.
#pragma once

namespace assay::optimized {

// Elementary functions, of which the naive formulas are made.
inline constexpr double k_exp_ulps = 1.02;
inline constexpr double k_erf_ulps = 0.99;
inline constexpr double k_tanh_ulps = 0.91;
inline constexpr double k_cosh_ulps = 1.5;                                           // sampled
inline constexpr double k_log1p_ulps = 1.63;                                         // x >= 0
inline constexpr double k_sine_of_turns_ulps = 0.72, k_cosine_of_turns_ulps = 0.88;  // to 1/8 turn

// turns.cuh says what makes it one more. ULPs of the larger of two neighbouring binades, where the
// rounded argument lies in another than the angle.
inline constexpr double k_rotation_ulps = k_sine_of_turns_ulps + 1;

// The fused routines, before any rounding to a narrower type.
inline constexpr double k_gelu_erf_ulps = 1.62, k_gelu_erf_derivative_ulps = 1.92;
inline constexpr double k_gelu_tanh_ulps = 1.22, k_gelu_tanh_derivative_ulps = 1.83;
inline constexpr double k_silu_ulps = 1.15;
inline constexpr double k_silu_derivative_ulps = 2;                   // sampled
inline constexpr double k_mish_ulps = 2, k_mish_derivative_ulps = 2;  // sampled

}  // namespace assay::optimized
