#include "properties/bound.hpp"

namespace assay::properties {

double measured(const reference::format& f, double got, const element_truth& truth,
                bool before_rounding) {
  using reference::k_infinity;
  const double t = truth.value;
  if (std::isnan(t) || std::isnan(got)) return std::isnan(t) && std::isnan(got) ? 0 : k_infinity;
  if (std::isinf(t)) return got == t ? 0 : k_infinity;
  if (!before_rounding) {
    // A finite truth that rounds to infinity: the infinity counts as 2^(e_max + 1), IEEE's next
    // value.
    const double reached =
        std::isinf(got) ? std::copysign(2 * reference::power_of_two(f.e_max), got) : got;
    return std::abs(reached - t);
  }
  const reference::preimage all = reference::rounding_preimage(f, got);
  // Zeros share one preimage here: which zero it must be is the comparison's question.
  const double lo = got == 0 ? -reference::min_subnormal(f) / 2 : all.lo;
  const double hi = got == 0 ? reference::min_subnormal(f) / 2 : all.hi;
  return t < lo ? lo - t : t > hi ? t - hi : 0;
}

}  // namespace assay::properties
