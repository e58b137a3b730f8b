#include "reference/softmax.hpp"

#include "properties/contract.hpp"
#include "properties/softmax_cases.hpp"
#include "properties/softmax_kernels.hpp"
#include "properties/softmax_numerics.hpp"
#include "properties/softmax_precise.hpp"
#include "properties/softmax_properties.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/softmax_variant.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

void append(truth& all, const std::vector<reference::approximation>& row, std::int64_t length,
            double masked) {
  for (const reference::approximation& each : row) {
    all.value.push_back(each.value);
    all.error.push_back(each.error);
  }
  all.value.resize(all.value.size() + std::size_t(length) - row.size(), masked);
  all.error.resize(all.value.size(), 0);
}

std::vector<truth> exact_forward(const softmax_variant& of, const case_inputs& in) {
  const score_rows rows = score_rows::of(in);
  truth y;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto x = rows.seen(in.values[0], r);
    if (of.mask == score_mask::additive)
      append(y, reference::additive_softmax_with_error(x, rows.mask(in.values[k_added_mask], r)),
             rows.length, 0);
    else if (of.logarithm)
      append(y, reference::log_softmax_with_error(x), rows.length, -reference::k_infinity);
    else
      append(y, reference::softmax_with_error(x, of.temperature(in)), rows.length, 0);
  }
  return {y};
}

std::vector<truth> exact_backward(const softmax_variant& of, const case_inputs& in) {
  const score_rows rows = score_rows::of(in);
  truth dx;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto y = rows.seen(in.values[0], r), dy = rows.seen(in.values[1], r);
    append(dx,
           of.logarithm ? reference::log_softmax_gradient_with_error(y, dy)
                        : reference::softmax_gradient_with_error(y, dy, of.temperature(in)),
           rows.length, 0);
  }
  return {dx};
}

void add_tensors(contract& c, const softmax_variant& of, bool forward) {
  constexpr dtype k_types[] = {dtype::fp32, dtype::bf16, dtype::fp16};
  c.dimensions = of.mask == score_mask::none ? std::vector<std::string>{"rows", "n"}
                                             : std::vector<std::string>{"batch", "q", "k"};
  if (forward)
    c.inputs = {{"x", c.dimensions}};
  else
    c.inputs = {{"y", c.dimensions}, {"dy", c.dimensions, drawn::as_gradient}};
  c.outputs = {{forward ? "y" : "dx", c.dimensions}};
  if (of.mask == score_mask::additive && forward) c.inputs.push_back({"mask", {"q", "k"}});
  const bool padding = of.mask == score_mask::padding;
  if (padding) c.inputs.push_back({"lengths", {"batch"}, drawn::as_length, "k"});
  for (dtype t : k_types) {
    c.signatures.emplace_back(c.inputs.size() + c.outputs.size(), t);
    if (padding) c.signatures.back()[c.inputs.size() - 1] = dtype::int32;
  }
  if (!forward)
    c.finish_inputs = [of](case_inputs& in) { make_softmax_results(of.logarithm, in); };
  else if (of.mask == score_mask::additive)
    c.finish_inputs = make_added_mask;
}

// What is seen is read, an added mask once, lengths too; every result is written.
cost cost_for(bool added_mask, bool forward, const case_id& id) {
  const score_rows rows = score_rows::drawn_by(id);
  const double seen = rows.visible_scores();
  double added = 0;
  if (added_mask && rows.count > 0) added = double(rows.queries) * double(rows.length);
  const double all = double(rows.count) * double(rows.length), inputs = forward ? 1 : 2;
  return {(inputs * seen + added + all) * double(size_of(id.types[0].type)) +
              4 * double(rows.lengths.size()),
          5 * seen};
}

contract common_contract(const softmax_variant& of, bool forward) {
  contract c;
  c.component = "softmax";
  c.variant = of.name;
  c.direction = forward ? "fwd" : "bwd";
  c.about = forward ? of.formula : of.slope_formula;
  c.takes_gaps = true;
  if (of.scaled)
    c.parameters = {{"temperature", 0.75, "what scores are divided by, rounded to fp32", 0x1p-126,
                     0x1.fffffep127}};
  add_tensors(c, of, forward);
  c.exact = [of, forward](const case_inputs& in) {
    return forward ? exact_forward(of, in) : exact_backward(of, in);
  };
  c.precise = precise_softmax(of, forward);
  // Zeros that underflow or that cancel have no sign to keep.
  c.policies = [] { return std::vector<comparison_policy>{{.zero_sign = false}}; };
  c.group = [](const case_id& id, std::size_t) {
    return std::max<std::int64_t>(score_rows::shape_of(id).length, 1);
  };
  for (const row_kernel& kernel : softmax_kernels(forward))
    c.implementations.push_back(softmax_implementation(of, kernel, forward));
  const bool added_mask = forward && of.mask == score_mask::additive;
  c.cost_of = [=](const case_id& id) { return cost_for(added_mask, forward, id); };
  if (of.mask != score_mask::none && !added_mask)
    c.masked_share = [](const case_inputs& in) { return score_rows::of(in).masked_share(); };
  c.cases = softmax_cases(c);
  c.decoy_case = softmax_case(c, c.signatures.front(), {6, 37, {"normal", {}}}, 1);
  c.timed_case = softmax_case(c, c.signatures.front(), {1, 1024, {"normal", {}}}, 1);
  if (of.mask != score_mask::none) c.timed_case.shape[1].value = 1024;
  return c;
}

}  // namespace

std::vector<contract> softmax_contracts() {
  const std::vector<softmax_variant> variants = {
      {.name = "plain",
       .formula = "e^(x_j) / sum e^(x_k) of each row",
       .slope_formula = "y (dy - sum y dy) of each row"},
      {.name = "temperature",
       .formula = "softmax(x / temperature)",
       .slope_formula = "y (dy - sum y dy) / temperature",
       .scaled = true},
      {.name = "causal",
       .formula = "softmax of the first i + 1 + k - q scores of row i, 0 behind them",
       .slope_formula = "y (dy - sum y dy) of what is seen, 0 behind it",
       .mask = score_mask::causal},
      {.name = "padding",
       .formula = "softmax of the first length scores of each row of a matrix, 0 behind them",
       .slope_formula = "y (dy - sum y dy) of what is seen, 0 behind it",
       .mask = score_mask::padding},
      {.name = "additive",
       .formula = "softmax(x + mask) of each row",
       .slope_formula = "y (dy - sum y dy) of each row; nothing of the mask",
       .mask = score_mask::additive},
      {.name = "log",
       .formula = "x_j - log sum e^(x_k) of each row",
       .slope_formula = "dy - e^y sum dy of each row",
       .logarithm = true}};
  std::vector<contract> all;
  for (const softmax_variant& of : variants)
    for (bool forward : {true, false}) {
      all.push_back(common_contract(of, forward));
      add_softmax_properties(all.back());
    }
  return all;
}

}  // namespace assay::properties
