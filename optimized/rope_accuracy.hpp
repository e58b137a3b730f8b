// What the kernels of rope state of their angles, for the contracts (properties/).
#pragma once

namespace assay::optimized {

// How far a step from one position to the next is from the mathematics, in units of 2^-64 turns:
// 1 for an odd integer in the place of a real number, and the double words' 2^62 2^-77.
inline constexpr double k_rope_step_units = 1 + 0x1p-15;

}  // namespace assay::optimized
