// global_norm.norm.fwd: the norm of all gradients, and the factor that clips them.

#include "reference/global_norm.hpp"

#include "properties/elementwise.hpp"
#include "properties/global_norm_numerics.hpp"
#include "properties/global_norm_properties.hpp"
#include "properties/precise.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

std::vector<truth> exact_norm(const case_inputs& in) {
  const reference::approximation norm = reference::global_norm_with_error(in.values[0]),
                                 factor =
                                     reference::clipping_factor_with_error(norm, in.parameters[0]);
  return {{{norm.value}, {norm.error}, {}}, {{factor.value}, {factor.error}, {}}};
}

// At 960 bits the sum is exact: squares are multiples of 2^-298 below 2^256, and there are fewer
// than 2^40 of them. A root and a quotient round once each. Sum and square of the limit differ by
// 2^-298 at least, if they do, which the root still shows: a factor of 1 is exact.
std::vector<truth> precise_norm(const case_inputs& in) {
  using R = reference::mpfr_real<960>;
  constexpr double k_u = reference::k_unit_roundoff<R>;
  const std::vector<R> gradients(in.values[0].begin(), in.values[0].end());
  const R norm = reference::global_norm(std::span<const R>(gradients)), limit(in.parameters[0]),
          factor = reference::clipping_factor(norm, limit);
  const auto off = [](const R& x, double units) {
    return reference::is_finite(x) && !(x == R(0)) ? R(x * R(units * k_u)) : R(0);
  };
  std::vector<truth> out(2);
  append_precise(out[0], reference::k_fp32, norm, off(norm, 1));
  append_precise(out[1], reference::k_fp32, factor, factor == R(1) ? R(0) : off(factor, 3));
  return out;
}

// The cases of every element-wise function, but for those in place; and what matters here: more
// than a block, numbers whose squares fp32 does not have, limits on both sides of the norm.
std::vector<case_id> cases_of(const contract& c) {
  struct wanted {
    std::int64_t n;
    distribution_id from;
    double limit = 1;
  };
  const std::vector<wanted> all = {
      {70001, {"normal", {{"scale", 0.01}}}},
      {140003, {"tails", {{"low", 0x1p-10}, {"high", 8}}}, 0.25},
      {16385, {"exact", {}}, 100},
      {3000, {"normal", {}}, 1e6},
      {2048, {"constant", {{"value", 0.5}}}, 16},
      {9000, {"one_hot", {{"index", 8999}, {"value", -3}}}, 0},
      {500, {"tails", {{"low", 0x1p-14}, {"high", 0x1p-9}}}, 0x1p-30},
      {1500, {"wide", {{"below", 60}}}, 1e30},
  };
  std::vector<case_id> cases = elementwise_cases(c);
  for (case_id& id : cases)
    std::erase_if(id.shape, [](const field& each) { return each.key == "inplace"; });
  std::uint64_t seed = 301;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted& each : all) {
      cases.push_back(elementwise_case(c, types, each.n, each.from, seed++));
      cases.back().shape.back().value = number(each.limit);
    }
  return cases;
}

}  // namespace

std::vector<contract> global_norm_contracts() {
  contract c;
  c.component = "global_norm";
  c.variant = "norm";
  c.direction = "fwd";
  c.about = "sqrt(sum of g^2), and min(1, limit / it)";
  c.dimensions = {"n"};
  c.inputs = {{"gradients", {"n"}}};
  c.outputs = {{"norm", {}}, {"factor", {}}};
  c.parameters = {{"limit", 1, "of the norm, above which gradients are clipped", 0}};
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back({t, dtype::fp32, dtype::fp32});
  c.sums_over_first = true;
  c.exact = exact_norm;
  c.precise = {"MPFR at 960 bits", 289, precise_norm};
  c.implementations = global_norm_implementations();
  c.cost_of = [](const case_id& id) {
    const double n = double(id.dimension("n"));
    return cost{n * double(size_of(id.types[0].type)) + 8, 2 * n};
  };
  add_global_norm_properties(c);
  c.cases = cases_of(c);
  c.decoy_case = c.timed_case = elementwise_decoy_case(c);
  return {c};
}

}  // namespace assay::properties
