#include "properties/linear_precise.hpp"

#include "properties/precise.hpp"
#include "properties/values.hpp"

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;

// The product of two numbers of fp32, and sums of fewer than 2^300 of them, have fewer bits: from
// 2^-298 to 2^556.
std::vector<R> exact_sums(const linear_sums& of) {
  std::vector<R> all;
  for (std::int64_t i = 0; i < of.left.rows; ++i)
    for (std::int64_t n = 0; n < of.right.columns; ++n) {
      R sum(0);
      for (std::int64_t k = 0; k < of.left.columns; ++k)
        sum = sum + R(of.left.at(i, k)) * R(of.right.at(k, n));
      if (!of.row.empty()) sum = sum + R(of.row[std::size_t(n)]);
      if (!of.all.empty()) sum = sum + R(of.all[std::size_t(i * of.right.columns + n)]);
      all.push_back(sum);
    }
  return all;
}

reference::enclosure<R> gelu_of(reference::gelu_form form, const R& x) {
  return form == reference::gelu_form::erf ? reference::gelu_erf_forward{}(x)
                                           : reference::gelu_tanh_forward{}(x);
}

// Appends a GELU. (Its value may lie next to nothing below a midpoint of the format: the enclosure
// keeps what two numbers added up do not.)
void append_gelu(truth& all, const reference::format& out, const reference::enclosure<R>& y) {
  const R value = y.value();
  if (!reference::is_finite(value)) return append_precise(all, out, value, R(0));
  const std::optional<double> rounded = reference::round_if_certain(out, y);
  if (!rounded) throw std::runtime_error("correct rounding undecided in many digits");
  const reference::approximation nearest = reference::to_double(y);
  const bool vanished = std::abs(nearest.value) < k_vanished;
  all.rounded.push_back(*rounded == 0 ? 0 : *rounded);
  all.value.push_back(vanished ? 0 : nearest.value);
  all.error.push_back(vanished && nearest.value != 0 ? k_vanished : nearest.error);
}

std::vector<truth> precise_outputs(const linear_variant& of, const case_inputs& in) {
  const reference::format out = format_of(in.id.types[0].type);
  std::vector<truth> all;
  for (const linear_sums& each : sums_of(of, in)) {
    const std::vector<R> sums = exact_sums(each);
    truth y;
    if (of.gelu && is_forward(in.id)) {
      for (const R& pre : sums) append_gelu(y, out, gelu_of(*of.gelu, pre));
      all.push_back(std::move(y));
      y = {};
    }
    for (const R& sum : sums) append_precise(y, out, sum, R(0));
    all.push_back(std::move(y));
  }
  return all;
}

}  // namespace

precise_reference precise_linear(const linear_variant& of) {
  return {"MPFR at 960 bits", 289, [of](const case_inputs& in) { return precise_outputs(of, in); }};
}

}  // namespace assay::properties
