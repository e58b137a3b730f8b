// What an evaluation returns: a value whose leading term is exact, and how far it may be off.
//
// Correct rounding fails where the truth lies near a midpoint of the format, and a formula that
// returns one number with an error cannot tell on which side. For tiny x this is no rare accident:
// gelu(x) = x/2 + x^2/sqrt(2 pi) + ..., and x/2 IS a midpoint for every odd multiple x of fp32's
// smallest number below 2^-125 (2^24 inputs), with a next term of 2^-300. So an evaluation returns
//
//   truth = head + residual,   head exact,   residual = tail to a relative accuracy,
//
// and rounding looks at head + residual without ever adding them up in one precision: the sign of
// the residual breaks the tie, however small it is. The same serves x - (next to nothing) and 1 -
// (next to nothing) on the right, and 0 - (next to nothing) on the left, where it keeps the sign.
#pragma once

#include "reference/round.hpp"

#include <optional>

namespace assay::reference {

/// truth = head + residual with |residual - tail| <= error, and a residual that is neither zero nor
/// of the other sign than tail if error <= |tail|, unless error = 0: then truth = head + tail
/// exactly. tail - error and tail + error are computed in R: `error` has room for that rounding.
template <real R>
struct enclosure {
  R head;
  R tail;
  R error;

  R value() const { return tail == R(0) ? head : R(head + tail); }

  /// A function's value times an exact factor (a gradient from above). Needs head * factor exact in
  /// R: so it is for heads 0, 1/2, 1, x and x/2, with x and the factor of 24 bits. A factor of zero
  /// or infinity gives the limit: its sign is the product of the signs.
  enclosure times(const R& factor) const;
};

template <real R>
enclosure<R> exactly(const R& value) {
  return {value, R(0), R(0)};
}

/// truth = head + tail (1 + e), |e| <= relative_error.
template <real R>
enclosure<R> relatively(const R& head, const R& tail, const R& relative_error) {
  return {head, tail, magnitude(tail) * relative_error};
}

/// truth = head + residual, 0 < |residual| < 2^-980 with the given sign. That is all that any
/// format needs to know of a residual e^-w beyond R's exponent range: no midpoint of fp32, bf16 or
/// fp16 lies strictly within 2^-980 of a head which is zero or a product of numbers of those
/// formats.
template <real R>
enclosure<R> vanishing(const R& head, int sign_of_residual) {
  return {head, R(sign_of_residual * 0x1p-981), R(0x1p-981)};
}

template <real R>
enclosure<R> enclosure<R>::times(const R& factor) const {
  if (error == R(0)) return {head * factor, tail == R(0) ? tail : tail * factor, R(0)};
  const R size = magnitude(factor);
  const bool tail_signed = error <= magnitude(tail);
  if (size == R(0) || !is_finite(factor)) {
    const R whole = value();
    const bool no_number = is_nan(whole) || is_nan(factor);
    const bool is_signed = (head == R(0) && tail_signed) || R(2) * error < magnitude(whole);
    if (no_number || is_signed) return exactly(R(whole * factor));
    return {R(0), R(0), R(k_infinity)};  // nothing is known: from -infinity to infinity
  }
  const R scaled = tail * factor;
  if (tail_signed && magnitude(scaled) < R(0x1p-982)) {  // before it, or its error, underflows
    return vanishing(R(head * factor), (R(0) < tail) == (R(0) < factor) ? 1 : -1);
  }
  if (error == magnitude(tail)) {
    // Only the sign is known: keep it. A residual in (0, 2 tail] becomes one in (0, 4 scaled].
    return {head * factor, R(2) * scaled, R(2) * magnitude(scaled)};
  }
  return {head * factor, scaled,
          error * size + R(2 * k_unit_roundoff<R>) * magnitude(scaled) + R(0x1p-1074)};
}

/// Is there one value of f that every number of the enclosure rounds to, and which? An end of the
/// interval that computes to zero stands for the limit from inside: any number of the sign of tail
/// and closer to zero than f can tell, such as 2^-1074.
template <real R>
bool rounds_to_one(const format& f, const enclosure<R>& e, double& rounded) {
  if (e.error == R(0)) {
    rounded = e.tail == R(0) ? round(f, e.head) : round(f, odd_sum(e.head, e.tail));
    return true;
  }
  R low = e.tail - e.error;
  R high = e.tail + e.error;
  if (low == R(0)) low = R(0x1p-1074);
  if (high == R(0)) high = R(-0x1p-1074);
  rounded = round(f, odd_sum(e.head, low));
  return same(rounded, round(f, odd_sum(e.head, high)));
}

/// Ziv's test on an enclosure: its one rounded value, if there is one.
template <real R>
std::optional<double> round_if_certain(const format& f, const enclosure<R>& e) {
  double rounded = 0;
  return rounds_to_one(f, e, rounded) ? std::optional(rounded) : std::nullopt;
}

/// The value in double, and the bound of its error: the enclosure's own, the rounding of the sum,
/// and of what is wider than double to double.
template <real R>
approximation to_double(const enclosure<R>& e) {
  const double value = static_cast<double>(e.value());
  if (!is_finite(value)) return {value, is_nan(value) ? k_nan : 0.0};
  if (e.error == R(0) && e.tail == R(0) && R(value) == e.head) return {value, 0};
  constexpr double k_u = k_unit_roundoff<double>;
  const double error = static_cast<double>(e.error);
  return {value, (1 + 4 * k_u) * (error + 2 * k_u * std::abs(value)) + 0x1p-1074};
}

}  // namespace assay::reference
