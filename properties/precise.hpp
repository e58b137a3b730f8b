// Truths from many digits (contract::precise): rounding, and what a double keeps of them.
#pragma once

#include "properties/compare.hpp"
#include "reference/mpfr_real.hpp"
#include "reference/round.hpp"

#include <cmath>
#include <stdexcept>

namespace assay::properties {

// Magnitudes below this are no more than a sign: less than 2^-550 of the smallest fp32. (Of an
// e^-w beyond MPFR's own range an enclosure knows that it is below 2^-980; a gradient and a
// parameter multiply that by less than 2^256.)
inline constexpr double k_vanished = 0x1p-700;

// Appends the truth of an output whose zeros have no sign to keep: `value`, at most `error` off,
// correctly rounded to `out` (Ziv's test) and as a double. Throws std::runtime_error where the
// digits do not decide: exact results must come with an error of 0.
template <int Bits>
void append_precise(truth& all, const reference::format& out,
                    const reference::mpfr_real<Bits>& value,
                    const reference::mpfr_real<Bits>& error) {
  using R = reference::mpfr_real<Bits>;
  const double nearest = static_cast<double>(value), off = static_cast<double>(error);
  const double low = reference::round(out, reference::odd_sum(value, R(-error))),
               high = reference::round(out, reference::odd_sum(value, error));
  if (low != high && !(reference::is_nan(low) && reference::is_nan(high)))
    throw std::runtime_error("correct rounding undecided in many digits");
  const bool vanished = std::abs(nearest) < k_vanished;
  const bool exact = std::isnan(nearest) || (error == R(0) && R(nearest) == value);
  all.rounded.push_back(low == 0 ? 0 : low);
  all.value.push_back(vanished ? 0 : nearest);
  // Half a last place of the conversion, and room for half of this line's own roundings.
  all.error.push_back(exact ? 0 : vanished ? k_vanished : 0x1p-52 * std::abs(nearest) + 2 * off);
}

}  // namespace assay::properties
