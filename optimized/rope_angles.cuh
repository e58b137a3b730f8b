// The angles of rotary position embedding as phases: fractions of a turn, 2^64 to the turn.
//
// Pair j advances by step_j = 2^64 w_j / (2 pi) from position to position; position p has the phase
// p step_j, an integer product whose overflow takes the whole turns away, exactly, at any position.
// In fp32, p w_j has no digit of the angle left at p = 2^24.
//
//   w_j     base^(-2j/d) = r^j, r = base^(-1/m), m = d/2: the root by Newton's method on the host
//   linear  w_j / scale
//   ntk     r times scale^(-1/(m - 1)): base scale^(d/(d-2)) in the place of base
//
// Errors: r is off by 2^-102, relatively, and w_j by j 2^-100 < 2^-77; so a step, which is rounded
// to an odd integer, is off by at most k_rope_step_units (rope_accuracy.hpp). Odd, because then p
// step is no whole number of quarter turns for 0 < p < 2^62: no sine and no cosine is 0.
#pragma once

#include "optimized/math/double_word.cuh"
#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_rope_threads = 128;

// w_j = root^j, and unit = 1 / (2 pi), or that by a scale.
struct rope_frequencies {
  math::double_word root, unit;
};

// 2^64 w / (2 pi), below 2^62, to an odd integer.
SIMT_HOST_DEVICE std::uint64_t rope_step(const rope_frequencies& of, std::int64_t j) {
  const math::double_word turns = math::product(math::power(of.root, j), of.unit);
  const double high = turns.high * 0x1p64, whole = floor(high);
  const double rest = floor((high - whole) + turns.low * 0x1p64);
  return (std::uint64_t(whole) + std::uint64_t(std::int64_t(rest))) | 1;
}

// w_j in fp32, to half an ULP and 2^-28 of one: rounded to fp64 before.
SIMT_HOST_DEVICE float rope_frequency(const rope_frequencies& of, std::int64_t j) {
  constexpr double k_circle = 0x1.921fb54442d18p+2;  // 2 pi
  const math::double_word w = math::product(math::product(math::power(of.root, j), of.unit),
                                            {k_circle, 0x1.1a62633145c07p-52});
  return float(w.high);
}

__global__ void __launch_bounds__(k_rope_threads)
    rope_fp32_frequencies(simt::global<float> frequencies, std::int64_t pairs, rope_frequencies of);

__global__ void __launch_bounds__(k_rope_threads)
    rope_steps(simt::global<std::uint64_t> steps, std::int64_t pairs, rope_frequencies of);

// b^(-1/m) for 1 <= b <= 2^32, to 2^-102, relatively (Newton's method on x^-m - b); 1 for b = 1.
math::double_word inverse_root(double b, std::int64_t m);

// Of heads of 2 `pairs` elements.
rope_frequencies rope_frequencies_of(std::int64_t pairs, double base, double linear_scale,
                                     double ntk_scale);

}  // namespace assay::optimized::inline ASSAY_BUILD
