#include "properties/rope_precise.hpp"

#include "properties/precise.hpp"
#include "properties/values.hpp"

#include <cmath>

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

// The frequency is off by 200 u, relatively, so an angle by 201 u p; cosine, sine, two products and
// their sum add 4 u, and of 0 the products are exact.
R error_of(const reference::pair_of<double>& x, std::int64_t position) {
  const R sizes = R(std::abs(x.low)) + R(std::abs(x.high));
  return sizes * R((202 * double(position) + 5) * k_u);
}

// What one element is, before it joins the others of its tensor.
void put(truth& all, std::size_t at, const truth& one) {
  all.value[at] = one.value[0];
  all.error[at] = one.error[0];
  all.rounded[at] = one.rounded[0];
}

truth exactly(double value) { return {{value}, {0}, {value}}; }

std::vector<truth> precise_pairs(const rope_variant& of, bool forward, const case_inputs& in) {
  const rope_heads heads = rope_heads::of(in);
  const reference::rope formula = of.of(in);
  const reference::format out = format_of(in.id.types.back().type);
  std::vector<R> frequencies;
  for (std::int64_t j = 0; j < heads.d / 2; ++j)
    frequencies.push_back(reference::rope_frequency<R>(formula, j, heads.d));
  const std::size_t n = heads.elements();
  truth all{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n)};
  const auto at = [&](std::int64_t position, std::int64_t j) {
    if (position == 0) return reference::rotation<R>{};
    const auto by = reference::rope_rotation(frequencies[std::size_t(j)], position);
    return forward ? by : by.inverse();
  };
  heads.for_each_pair(at, [&](const rope_pair& p, const reference::rotation<R>& by) {
    const reference::pair_of<double> x{in.values[0][p.low], in.values[0][p.high]};
    if (p.position == 0) {
      put(all, p.low, exactly(x.low));
      put(all, p.high, exactly(x.high));
      return;
    }
    const auto y = reference::rotated(by, {R(x.low), R(x.high)});
    const bool finite = std::isfinite(x.low) && std::isfinite(x.high);
    const R error = finite ? error_of(x, p.position) : R(0);
    truth low, high;
    append_precise(low, out, y.low, error);
    append_precise(high, out, y.high, error);
    put(all, p.low, low);
    put(all, p.high, high);
  });
  return {all};
}

}  // namespace

precise_reference precise_rope(const rope_variant& of, bool forward) {
  return {"MPFR at 960 bits", 289,
          [=](const case_inputs& in) { return precise_pairs(of, forward, in); }};
}

}  // namespace assay::properties
