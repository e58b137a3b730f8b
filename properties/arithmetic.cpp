#include "properties/arithmetic.hpp"

#include "reference/exact.hpp"

namespace assay::properties {
namespace {

// The place of the last bit that the aligned terms keep: that of the largest of them, `extra_bits`
// below the accumulator's precision.
double last_kept(reference::format format, double largest, int extra_bits) {
  return std::ldexp(reference::ulp(format, largest), -extra_bits);
}

// Of a power of two, by which a division is exact unless it leaves the range: above, x is a
// multiple; below, it is none. (fmod, which needs no such thought, took 40 % of a trace's time.)
bool is_multiple(double x, double unit) {
  const double times = x / unit;
  return std::isfinite(x) && times == std::trunc(times) && (times != 0 || x == 0);
}

}  // namespace

// Each of the terms and the accumulator loses less than one unit of the last kept place, towards
// zero; the sum then loses less than one ulp. Products of two factors have exponents of up to one
// less than their value's, so the largest is taken as twice itself.
running::value running::add_truncated(value sum, std::span<const value> terms,
                                      const truncating_adder& adder) const {
  double center = sum.center, error = sum.after, largest = std::abs(sum.center) + sum.after,
         lost = 0;
  for (const value& term : terms) {
    const auto next = reference::two_sum(center, term.center);
    center = next.value;
    lost += std::abs(next.error);
    error += term.after;
    largest = std::max(largest, std::abs(term.center) + term.after);
  }
  const double kept = 2 * last_kept(format_, largest, adder.extra_bits);
  const bool nothing_cut = is_multiple(sum.center, kept) &&
                           std::all_of(terms.begin(), terms.end(),
                                       [&](const value& t) { return is_multiple(t.center, kept); });
  if (nothing_cut && is_free(center, error, lost)) return {center, 0, 0};
  const double cut = double(terms.size() + 1) * last_kept(format_, largest, adder.extra_bits);
  const double magnitude = std::abs(center) + error + cut;
  const double total = error + cut + 2 * half_ulp(magnitude);
  return {center, total,
          total};  // the cut to the format is part of the operation, not a rounding to come
}

concrete::value concrete::add_truncated(value sum, std::span<const value> terms,
                                        const truncating_adder& adder) const {
  double largest = std::abs(sum.after);
  for (const value& term : terms) largest = std::max(largest, std::abs(term.after));
  if (largest == 0) return sum;
  const double unit = last_kept(format_, largest, adder.extra_bits);
  double total = std::trunc(sum.after / unit);
  for (const value& term : terms) total += std::trunc(term.after / unit);
  total *= unit;
  const double ulp = reference::ulp(format_, total);
  const double cut = std::trunc(total / ulp) * ulp;
  return {cut, cut};
}

}  // namespace assay::properties
