#include "reference/linear.hpp"

#include "properties/contract.hpp"
#include "properties/linear_layer.hpp"
#include "properties/linear_numerics.hpp"
#include "properties/linear_precise.hpp"
#include "properties/linear_properties.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using namespace linear_inputs;

truth truth_of(const std::vector<reference::approximation>& all) {
  truth of;
  for (const reference::approximation& each : all) {
    of.value.push_back(each.value);
    of.error.push_back(each.error);
  }
  return of;
}

std::vector<truth> exact_outputs(const linear_variant& of, const case_inputs& in) {
  std::vector<truth> all;
  for (const linear_sums& each : sums_of(of, in)) {
    std::vector<reference::approximation> sums =
        each.of_columns ? reference::sum_of_rows_with_error(each.right)
                        : reference::product_with_error(each.left, each.right, each.row, each.all);
    if (of.gelu && is_forward(in.id)) {
      std::vector<reference::approximation> y;
      for (const reference::approximation& pre : sums)
        y.push_back(reference::gelu_with_error(*of.gelu, pre));
      all.push_back(truth_of(y));
    }
    all.push_back(truth_of(sums));
  }
  return all;
}

// Weights are drawn like everything else, and made smaller by the power of two that is nearest to
// sqrt(in), so that outputs are about as large as what they are of.
void shrink_weights(case_inputs& in) {
  const std::int64_t inner = in.id.dimension("in");
  const int halvings = inner > 0 ? (std::ilogb(double(inner)) + 1) / 2 : 0;
  for (double& w : in.values[k_w]) w = round_to(in.id.types[k_w].type, std::ldexp(w, -halvings));
}

void add_tensors(contract& c, const linear_variant& of, bool forward) {
  c.dimensions = {"rows", "in", "out"};
  c.usual = {{"in", {}}, {"out", {}}};
  c.gapped = {"in"};
  const std::vector<std::string> x = {"rows", "in"}, y = {"rows", "out"},
                                 w = of.turned ? std::vector<std::string>{"out", "in"}
                                               : std::vector<std::string>{"in", "out"};
  c.inputs = {{"x", x}, {"w", w}};
  if (forward) {
    if (of.biased) c.inputs.push_back({"b", {"out"}});
    if (of.residual) c.inputs.push_back({"r", y});
    c.outputs = {{"y", y}};
    if (of.gelu) c.outputs.push_back({"pre", y});
  } else {
    c.inputs.push_back({"dy", y, drawn::as_gradient});
    c.outputs = {{"dx", x}, {"dw", w}};
    if (of.biased) c.outputs.push_back({"db", {"out"}});
    c.sums_over_first = true;
  }
  for (dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.emplace_back(c.inputs.size() + c.outputs.size(), t);
}

// Every tensor once; two operations for each row and weight, and product.
cost cost_of(const std::vector<tensor_spec>& tensors, bool forward, const case_id& id) {
  cost all;
  for (const tensor_spec& each : tensors) {
    double elements = 1;
    for (const std::int64_t extent : shape_of(each, id)) elements *= double(extent);
    all.bytes += elements * double(size_of(id.types[0].type));
  }
  const linear_shape shape = linear_shape::of(id);
  all.flops = (forward ? 2 : 4) * double(shape.rows) * double(shape.in) * double(shape.out);
  return all;
}

struct wanted_linear {
  std::int64_t rows, in, out;
  distribution_id from = {"normal", {}};
  std::int64_t align = 256, pad = 0;
};

case_id linear_case(const contract& c, const std::vector<dtype>& types, const wanted_linear& wanted,
                    std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"rows", wanted.rows}, {"in", wanted.in}, {"out", wanted.out}};
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  return id;
}

// Chunks of the inner dimension: three of 770, two of 520 in each of the backward pass's products.
std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_linear> all = {
      {0, 5, 7},
      {3, 0, 5},
      {4, 6, 0},
      {1, 1, 1},
      {2, 24, 16},
      {5, 33, 70},
      {3, 770, 17},
      {9, 12, 10, {"special", {}}},  // before what goldens could do without
      {70, 12, 137, {"uniform", {}}},
      {520, 9, 12},
      {2, 10, 520},
      {130, 40, 24, {"exact", {}}},
      {5, 20, 9, {"wide", {}}},
      {8, 48, 32, {"tails", {}}, 16},
      {6, 64, 24, {"constant", {{"value", -0.75}}}},
      {7, 40, 24, {"normal", {}}, 256, 8},
      {9, 21, 13, {"normal", {}}, 1, 3},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_linear& each : all) cases.push_back(linear_case(c, types, each, seed++));
  return cases;
}

contract contract_for(const linear_variant& of, bool forward) {
  contract c;
  c.component = "linear";
  c.variant = of.name;
  c.direction = forward ? "fwd" : "bwd";
  c.about = forward
                ? of.formula
                : std::string(of.turned ? "dx = dy w, dw = dy^T x" : "dx = dy w^T, dw = x^T dy") +
                      (of.biased ? ", db = the sum of dy's rows" : "");
  c.takes_gaps = true;
  add_tensors(c, of, forward);
  c.finish_inputs = shrink_weights;
  c.exact = [of](const case_inputs& in) { return exact_outputs(of, in); };
  c.precise = precise_linear(of);
  c.policies = [outputs = c.outputs.size()] {
    return std::vector<comparison_policy>(outputs, {.zero_sign = false});
  };
  c.implementations = linear_implementations(of, forward);
  add_linear_properties(c, of, forward);
  c.cases = cases_of(c);
  const std::vector<dtype>& types = c.signatures.front();
  c.decoy_case = linear_case(c, types, {6, 24, 20}, 3);
  c.timed_case = linear_case(c, types, {64, 128, 128}, 1);
  std::vector<tensor_spec> tensors = c.inputs;
  tensors.insert(tensors.end(), c.outputs.begin(), c.outputs.end());
  c.cost_of = [tensors, forward](const case_id& id) { return cost_of(tensors, forward, id); };
  return c;
}

}  // namespace

std::vector<contract> linear_contracts() {
  std::vector<contract> all;
  for (const bool forward : {true, false})
    for (const linear_variant& of : linear_variants())
      if (forward || of.backward) all.push_back(contract_for(of, forward));
  return all;
}

}  // namespace assay::properties
