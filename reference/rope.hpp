// Rotary position embedding (Su, Lu, Pan, Murtadha, Wen, Liu, "RoFormer: Enhanced transformer with
// rotary position embedding", 2021, arXiv:2104.09864, section 3.2.2): of a head of d values the
// pairs (x_j, x_(j + d/2)), 0 <= j < d/2, are rotated by an angle that grows with the position p:
//
//   y_j         = x_j cos(p w_j) - x_(j + d/2) sin(p w_j)
//   y_(j + d/2) = x_(j + d/2) cos(p w_j) + x_j sin(p w_j)
//
//   plain   w_j = base^(-2j/d)
//   linear  w_j / scale (Chen, Wong, Chen, Tian, "Extending context window of large language models
//           via positional interpolation", 2023, arXiv:2306.15595)
//   ntk     base scale^(d/(d - 2)) for base ("NTK-aware", bloc97, 2023; Peng, Quesnelle, Fan,
//           Shippole, "YaRN", 2023, arXiv:2309.00071, definition 1): w_0 stays 1, and w_(d/2 - 1)
//           becomes what linear makes of it; nothing else where d = 2
//
// Pairs are half a head apart, as in GPT-NeoX and LLaMA; RoFormer and GPT-J pair neighbours, which
// is the same up to the order of the values. The gradient is the rotation by the opposite angle: dx
// of dy.
//
// Policies: position 0 rotates nothing, and gives x bit for bit, infinities and NaN too. p w_j is
// algebraic, so of p > 0 neither sine nor cosine is ever 0 (Lindemann): an infinity meets factors
// that have a sign, a NaN makes its pair NaN.
#pragma once

#include "reference/double_double.hpp"
#include "reference/special.hpp"

#include <cstdint>
#include <vector>

namespace assay::reference {

enum class rope_scaling { none, linear, ntk };

struct rope {
  rope_scaling scaling = rope_scaling::none;
  double base = 10000, scale = 1;
};

/// w_j of a head of d values, 0 <= j < d/2. For 1 <= base <= 2^32, 1 <= scale <= 2^16 the
/// exponent, at most 34 in size, carries 5 k_error and 5 u, relatively: w_j is off by 200 k_error
/// at most.
template <real R>
R rope_frequency(const rope& of, std::int64_t j, std::int64_t d) {
  const auto share = [&](std::int64_t whole) { return R(R(double(-2 * j)) / R(double(whole))); };
  R exponent(0);
  if (j > 0) exponent = share(d) * special<R>::log(R(of.base));
  if (j > 0 && of.scaling == rope_scaling::ntk)
    exponent = exponent + share(d - 2) * special<R>::log(R(of.scale));
  const R w = special<R>::exp(exponent);
  return of.scaling == rope_scaling::linear ? R(w / R(of.scale)) : w;
}

template <real R>
struct rotation {
  R cosine{1}, sine{0};

  rotation inverse() const { return {cosine, R(-sine)}; }
};

/// The rotation of a position other than 0.
template <real R>
rotation<R> rope_rotation(const R& frequency, std::int64_t position) {
  const R angle = R(double(position)) * frequency;
  return {special<R>::cos(angle), special<R>::sin(angle)};
}

template <class Value>
struct pair_of {
  Value low, high;
};

template <real R>
pair_of<R> rotated(const rotation<R>& by, const pair_of<R>& x) {
  return {R(x.low * by.cosine - x.high * by.sine), R(x.high * by.cosine + x.low * by.sine)};
}

/// R0: rotations with the errors of their cosines and sines. Frequencies come from MPFR and are
/// held as two doubles, so that the angle of any position is known to 2^-103 of itself; it is
/// rounded to a double and what is left, and
///   cos(a + b) = cos a - b sin a,  sin(a + b) = sin a + b cos a,  to b^2/2 of either.
class rope_rotations {
 public:
  rope_rotations(const rope& of, std::int64_t d);

  struct bounded {
    rotation<double> value;
    double cosine_error = 0, sine_error = 0;  // absolute

    bounded inverse() const { return {value.inverse(), cosine_error, sine_error}; }
  };
  /// Pair j at a position, |position| < 2^53; of position 0, which rotates nothing, exactly.
  bounded at(std::int64_t position, std::int64_t j) const;
  /// w_j, to 2^-53 of itself.
  double frequency(std::int64_t j) const { return frequencies_[std::size_t(j)].hi; }

 private:
  std::vector<double_double> frequencies_;
};

/// A pair of values of at most 24 bits, rotated: two products and a sum are rounded, and each value
/// meets the errors of cosine and sine.
pair_of<approximation> rotated_with_error(const rope_rotations::bounded& by,
                                          const pair_of<double>& x);

}  // namespace assay::reference
