#include "properties/softmax_precise.hpp"

#include "properties/finite.hpp"
#include "properties/precise.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/values.hpp"
#include "reference/softmax.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

std::vector<R> widened(std::span<const double> row) { return {row.begin(), row.end()}; }

// e^t carries |t| u of the quotient t and u of its own; a |t| beyond 1000 leaves less than
// k_vanished. So p has 1000 u twice (its own, and the mean of the others'), n u of the sum and 3
// roundings. l = t - log S adds nothing up that cancels: t <= 0 <= log S.
R results_error(const R& value, std::size_t n) {
  return R(reference::magnitude(value)) * R((2008 + double(n)) * k_u);
}

void append_results(truth& all, const reference::format& out, const std::vector<R>& x,
                    bool logarithm, double temperature) {
  const std::span<const R> wide(x);
  const auto results =
      logarithm ? reference::log_softmax(wide) : reference::softmax(wide, R(temperature));
  for (const R& each : results)
    append_precise(all, out, each,
                   std::isfinite(static_cast<double>(each)) ? results_error(each, x.size()) : R(0));
}

// Sums of products of 24 bits each, from 2^-298 to 2^256, are exact in 960 bits, and so are their
// differences and the next product. A quotient that is exact multiplies back to what it was of.
void append_gradients(truth& all, const reference::format& out, std::span<const double> p,
                      std::span<const double> dp, double temperature) {
  const std::vector<R> y = widened(p), dy = widened(dp);
  const auto products = reference::softmax_gradient(std::span<const R>(y), std::span<const R>(dy));
  for (const R& each : products) {
    const R value = each / R(temperature);
    const bool exact = R(value * R(temperature)) == each;
    append_precise(all, out, value, exact ? R(0) : R(R(2 * k_u) * R(reference::magnitude(value))));
  }
}

// The sum is exact; e^l, its product and the difference round once each. An e^l below MPFR's range
// comes out as 0.
void append_log_gradients(truth& all, const reference::format& out, std::span<const double> l,
                          std::span<const double> dl) {
  R sum(0);
  for (double each : dl) sum = sum + R(each);
  for (std::size_t j = 0; j < l.size(); ++j) {
    const R product = R(reference::detail::exp_or_zero(R(l[j]))) * sum;
    const bool exact = l[j] == 0 || l[j] == -reference::k_infinity || sum == R(0);
    append_precise(all, out, R(R(dl[j]) - product),
                   exact ? R(0)
                         : R(R(4 * k_u) * (R(reference::magnitude(product)) + R(std::abs(dl[j]))) +
                             R(0x1p-1000)));
  }
}

void append_exactly(truth& all, const std::vector<double>& values) {
  for (double each : values) {
    all.value.push_back(each);
    all.rounded.push_back(each);
    all.error.push_back(0);
  }
}

// The scores of a row. Sums with an added mask, of 24 bits each from 2^-149 to 2^127, are exact.
std::vector<R> scores_of(const softmax_variant& of, const case_inputs& in, const score_rows& rows,
                         std::int64_t r) {
  std::vector<R> x = widened(rows.seen(in.values[0], r));
  if (of.mask != score_mask::additive) return x;
  const std::vector<R> mask = widened(rows.mask(in.values[k_added_mask], r));
  return reference::added(std::span<const R>(x), std::span<const R>(mask));
}

std::vector<truth> precise_rows(const softmax_variant& of, const case_inputs& in, bool forward) {
  const score_rows rows = score_rows::of(in);
  const bool logarithm = of.logarithm;
  const reference::format out = format_of(in.id.types.back().type);
  const double temperature = of.temperature(in);
  const double masked = forward && logarithm ? -reference::k_infinity : 0;
  truth all;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto x = rows.seen(in.values[0], r);
    if (forward) {
      append_results(all, out, scores_of(of, in, rows, r), logarithm, temperature);
    } else {
      const auto dy = rows.seen(in.values[1], r);
      const bool ordinary =
          all_finite(dy) &&
          (logarithm
               ? !std::any_of(x.begin(), x.end(),
                              [](double l) { return std::isnan(l) || l == reference::k_infinity; })
               : all_finite(x));
      if (!ordinary)  // NaNs and infinities: IEEE arithmetic in double says what becomes of them
        append_exactly(all, logarithm ? reference::log_softmax_gradient(x, dy)
                                      : reference::softmax_gradient(x, dy, temperature));
      else if (logarithm)
        append_log_gradients(all, out, x, dy);
      else
        append_gradients(all, out, x, dy, temperature);
    }
    append_exactly(all, std::vector<double>(std::size_t(rows.length) - x.size(), masked));
  }
  return {all};
}

}  // namespace

precise_reference precise_softmax(const softmax_variant& of, bool forward) {
  return {"MPFR at 960 bits", 289,
          [=](const case_inputs& in) { return precise_rows(of, in, forward); }};
}

}  // namespace assay::properties
