#include "reference/layer_norm.hpp"

#include "properties/contract.hpp"
#include "properties/layer_norm_cases.hpp"
#include "properties/layer_norm_numerics.hpp"
#include "properties/layer_norm_precise.hpp"
#include "properties/layer_norm_properties.hpp"
#include "properties/layer_norm_rows.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

void append(truth& all, const reference::approximation& each) {
  all.value.push_back(each.value);
  all.error.push_back(each.error);
}

std::vector<truth> exact_forward(const layer_norm_variant& of, const case_inputs& in) {
  const layer_norm_inputs given = layer_norm_inputs::of(in, of.residual);
  std::vector<truth> all(of.residual ? 4 : 3);
  if (of.residual) all[0] = {given.x, {}, {}};  // the rounded sum, exactly
  const std::size_t y = all.size() - 3;
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const auto row = reference::layer_norm_with_error(given.shape.row(given.x, r), given.gamma,
                                                      given.beta, given.eps);
    for (const reference::approximation& each : row.y) append(all[y], each);
    append(all[y + 1], row.mean);
    append(all[y + 2], row.rstd);
  }
  return all;
}

std::vector<truth> exact_backward(const layer_norm_variant& of, const case_inputs& in) {
  const auto given = layer_norm_gradient_inputs::of(in, of.residual);
  std::vector<truth> all(3);
  std::vector<reference::row_statistics<double>> statistics;
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    statistics.push_back(given.statistics(r));
    std::size_t at = std::size_t(r * given.shape.length);
    for (reference::approximation each : reference::layer_norm_gradient_with_error(
             given.shape.row(given.dy, r), given.shape.row(given.x, r), given.gamma,
             statistics.back())) {
      if (given.dsum) {
        each.value += (*given.dsum)[at++];
        each.error = std::isfinite(each.value) ? each.error + 0x1p-53 * std::abs(each.value) : 0;
      }
      append(all[0], each);
    }
  }
  for (std::int64_t j = 0; j < given.shape.length; ++j) {
    const std::vector<double> dy = given.shape.column(given.dy, j);
    append(all[1],
           reference::layer_norm_gamma_gradient(dy, given.shape.column(given.x, j), statistics));
    append(all[2], reference::sum_with_error(dy));
  }
  return all;
}

void add_tensors(contract& c, const layer_norm_variant& of, bool forward) {
  const std::vector<std::string> matrix = {"rows", "c"}, rows = {"rows"}, channels = {"c"};
  const tensor_spec gamma{"gamma", channels, drawn::as_gradient};
  c.dimensions = matrix;
  if (forward) {
    c.inputs = {{"x", matrix}};
    if (of.residual) c.inputs.push_back({"residual", matrix});
    c.inputs.insert(c.inputs.end(), {gamma, {"beta", channels, drawn::as_gradient}});
    if (of.residual) c.outputs = {{"sum", matrix}};
    c.outputs.insert(c.outputs.end(), {{"y", matrix}, {"mean", rows}, {"rstd", rows}});
  } else {
    c.inputs = {{"dy", matrix, drawn::as_gradient},
                {of.residual ? "sum" : "x", matrix},
                gamma,
                {"mean", rows},
                {"rstd", rows}};
    if (of.residual) c.inputs.push_back({"dsum", matrix, drawn::as_gradient});
    c.outputs = {{"dx", matrix}, {"dgamma", channels}, {"dbeta", channels}};
    c.finish_inputs = make_statistics;
  }
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    c.signatures.emplace_back();
    for (const auto* tensors : {&c.inputs, &c.outputs})
      for (const tensor_spec& each : *tensors) {
        const bool own = tensors == &c.outputs && !forward ? each.name == "dx" : each.shape != rows;
        c.signatures.back().push_back(own ? type : dtype::fp32);
      }
  }
}

// Every tensor once.
cost cost_for(const contract& c, const case_id& id) {
  double bytes = 0;
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors) {
      double count = 1;
      for (std::int64_t extent : shape_of(each, id)) count *= double(extent);
      bytes += count * double(size_of(id.types[at++].type));
    }
  const double elements = double(id.dimension("rows")) * double(id.dimension("c"));
  return {bytes, (c.direction == "fwd" ? 7.0 : 14.0) * elements};
}

contract layer_norm_contract(const layer_norm_variant& of, bool forward) {
  contract c;
  c.component = "layer_norm";
  c.variant = of.name;
  c.direction = forward ? "fwd" : "bwd";
  c.about = forward ? of.formula : of.slope_formula;
  c.takes_gaps = true;
  if (forward)
    c.parameters = {{"eps", 1e-5, "what is added to the variance, rounded to fp32", 0, 0x1p60}};
  add_tensors(c, of, forward);
  c.exact = [of, forward](const case_inputs& in) {
    return forward ? exact_forward(of, in) : exact_backward(of, in);
  };
  c.precise = precise_layer_norm(of, forward);
  // Zeros that underflow or that cancel have no sign to keep.
  c.policies = [outputs = c.outputs.size()] {
    return std::vector<comparison_policy>(outputs, {.zero_sign = false});
  };
  const std::size_t rows_of_results = forward && of.residual ? 1 : 0;
  c.group = [rows_of_results](const case_id& id, std::size_t output) {
    return output == rows_of_results ? std::max<std::int64_t>(id.dimension("c"), 1) : 1;
  };
  c.implementations =
      forward ? layer_norm_forward_implementations(of) : layer_norm_backward_implementations(of);
  c.cost_of = [tensors = c](const case_id& id) { return cost_for(tensors, id); };
  c.cases = layer_norm_cases(c);
  c.decoy_case = layer_norm_case(c, c.signatures.front(), {6, 37, {"normal", {}}}, 1);
  c.timed_case = layer_norm_case(c, c.signatures.front(), {1, 768, {"normal", {}}}, 1);
  add_layer_norm_properties(c);
  return c;
}

}  // namespace

std::vector<contract> layer_norm_contracts() {
  const std::vector<layer_norm_variant> variants = {
      {"plain",
       "gamma (x - mean) rstd + beta of each row, its mean, and rstd = 1 / sqrt(variance + eps)",
       "dx = rstd (w - mean(w) - xhat mean(w xhat)), w = gamma dy; dgamma = sum dy xhat; dbeta = "
       "sum dy"},
      {"residual", "the same of x + residual, rounded to their dtype, which is an output too",
       "the same of the sum, with the sum's own gradient added to dx", true}};
  std::vector<contract> all;
  for (const layer_norm_variant& of : variants)
    for (bool forward : {true, false}) all.push_back(layer_norm_contract(of, forward));
  return all;
}

}  // namespace assay::properties
