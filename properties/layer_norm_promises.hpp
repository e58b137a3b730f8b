// For which rows and channels the kernels of layer norm promise anything: those on which fp32
// neither overflows on the way nor loses what it divides by.
#pragma once

#include "properties/model.hpp"

#include <cstddef>
#include <vector>

namespace assay::properties {

// Of each element of an output of the forward functions. A row: sums of n numbers as large as its
// largest, and of their squares, stay below 2^126; variance + eps is 0 or at least 2^-100. The
// textbook's mean is off by up to e = (n / 256 + 16) u max |x|, which the variance must not feel:
// e^2 is at most a quarter of variance + eps. A row with a NaN or an infinity: all of it is NaN.
std::vector<bool> promised_results(bool residual, bool textbook, const case_inputs& in,
                                   std::size_t output);

// Of each element of an output of the gradients: every product and sum of numbers on its way, taken
// by magnitudes, stays below 2^126. Of a row with an infinite w nothing is promised of dx; one with
// a NaN is NaN.
std::vector<bool> promised_gradients(bool residual, const case_inputs& in, std::size_t output);

}  // namespace assay::properties
