// Cosine and sine of an angle that is given as a fraction of a turn in fixed point, 2^64 to the
// turn: integers that overflow take whole turns away, exactly, however many there were.
//
// The nearest quarter of a turn is taken off, exactly; what is left, at most an eighth, becomes a
// float t (one rounding), and sine and cosine of it are two polynomials. Neither is 0 but at whole
// quarters.
#pragma once

#include "optimized/math/arithmetic.cuh"

namespace assay::optimized::inline ASSAY_BUILD::math {

// sin(2 pi t) for |t| <= 1/8 (6 operations): at most 0.7123 ULP, at 0x1.ec0bep-4.
SIMT_DEVICE float sine_of_turns(float t) {
  const float q =
      polynomial(t * t, -0x1.a32a62p-23f, -0x1.4abbbap+5f, 0x1.465eeap+6f, -0x1.2da156p+6f);
  return fmaf(t, 0x1.921fb6p+2f, t * q);
}

// cos(2 pi t) for |t| <= 1/8 (5 operations): at most 0.8744 ULP, at 0x1.fb58e6p-4.
SIMT_DEVICE float cosine_of_turns(float t) {
  const float z = t * t;
  const float q = polynomial(z, -0x1.3bd3ccp+4f, 0x1.03c1bp+6f, -0x1.55b2b6p+6f, 0x1.d4f7eep+5f);
  return fmaf(z, q, 1.0f);
}

struct cosine_and_sine {
  float cosine, sine;
};

// The phase of an angle in radians, 0 <= angle < 2^31 (fp64): off by 2^-53 of the angle and 2^-64
// turns, at most.
SIMT_DEVICE std::uint64_t phase_of(float angle) {
  const double turns = double(angle) * 0x1.45f306dc9c883p-3;
  return std::uint64_t((turns - floor(turns)) * 0x1p64);
}

// Of 2^-64 phase turns, each within k_rotation_ulps (accuracy.hpp): the polynomials' error, and
// what the rounding of t adds to it. Relative to t that is 2^-24, and |t f'(t) / f(t)| is at most 1
// for the sine and pi/4 for the cosine: at most one ULP, or the cosine's 0.56.
SIMT_DEVICE cosine_and_sine rotation_of(std::uint64_t phase) {
  constexpr int k_quarter = 62;
  const auto quarter =
      std::uint32_t((phase + (std::uint64_t(1) << (k_quarter - 1))) >> k_quarter);  // 4 is 0
  const auto rest = std::int64_t(phase - (std::uint64_t(quarter) << k_quarter));
  const float t = float(rest) * 0x1p-64f;
  const float c = cosine_of_turns(t), s = sine_of_turns(t);
  const bool odd = (quarter & 1) != 0;
  // cos, sin of t + quarter/4: (c, s), (-s, c), (-c, -s), (s, -c).
  return {simt::float_of(simt::bits_of(odd ? s : c) ^ ((quarter + 1) & 2) << 30),
          simt::float_of(simt::bits_of(odd ? c : s) ^ (quarter & 2) << 30)};
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
