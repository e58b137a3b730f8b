#include "reference/cross_entropy.hpp"

#include "properties/contract.hpp"
#include "properties/cross_entropy_numerics.hpp"
#include "properties/cross_entropy_precise.hpp"
#include "properties/cross_entropy_properties.hpp"
#include "properties/cross_entropy_shape.hpp"
#include "properties/philox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::properties {
namespace {

void append(truth& all, const reference::approximation& each) {
  all.value.push_back(each.value);
  all.error.push_back(each.error);
}

// The gradient of a row as the total's. In double a product and a quotient round once each.
void append_gradient(truth& all, const entropy_shape& shape,
                     const std::vector<reference::approximation>& row, double scale, double by) {
  constexpr double k_u = reference::k_unit_roundoff<double>;
  for (const reference::approximation& each : row) {
    const double value = by == 0 ? 0 : each.value * scale / by;
    const bool exact = each.error == 0 && each.value == 0;
    append(all, {value, std::isfinite(value) && by > 0 && !exact
                            ? each.error * std::abs(scale) / by * (1 + 4 * k_u) +
                                  3 * k_u * std::abs(value) + 0x1p-1000
                            : 0});
  }
  for (std::int64_t j = shape.live; j < shape.columns; ++j) append(all, {0, 0});
}

std::vector<truth> exact_outputs(const case_inputs& in) {
  const entropy_shape shape = entropy_shape::of(in.id);
  const std::int64_t counted = rows_that_count(in);
  std::vector<truth> out(shape.total() + 1);
  std::vector<reference::approximation> losses;
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    const auto row =
        reference::cross_entropy_with_error(shape.row(in.values[k_logits], r), target_of(in, r));
    losses.push_back(row.loss);
    append(out[shape.losses()], row.loss);
    if (shape.gradient)
      append_gradient(out[0], shape, row.gradient, entropy_scale(in),
                      shape.mean ? double(counted) : 1);
  }
  append(out[shape.total()], reference::total_loss_with_error(losses, counted, shape.mean));
  return out;
}

// Targets are live columns, or none. `special` data have others too.
void finish_targets(case_inputs& in) {
  constexpr std::uint32_t k_stream = 3000;
  const entropy_shape shape = entropy_shape::of(in.id);
  const double strange[] = {-1, double(shape.live), double(shape.columns),
                            double(std::numeric_limits<std::int32_t>::max()),
                            double(std::numeric_limits<std::int32_t>::min())};
  std::uint64_t i = 0;
  for (double& target : in.values[k_targets]) {
    element_stream from(in.id.seed, k_stream, i++);
    if (target >= 0 && shape.live > 0) target = std::fmod(target, double(shape.live));
    if (in.id.distribution.name == "special" && from.below(4) == 0)
      target = strange[from.below(std::size(strange))];
  }
}

std::string objection(const case_inputs& in) {
  const entropy_shape shape = entropy_shape::of(in.id);
  for (std::int64_t r = 0; r < shape.rows; ++r)
    if (target_of(in, r) >= shape.live)
      return fmt::format("tensor 'targets' has {} at [{}]; expected 0 to {}, or less than 0",
                         target_of(in, r), r, shape.live - 1);
  return {};
}

cost cost_of(const case_id& id) {
  const entropy_shape shape = entropy_shape::of(id);
  const std::int64_t counted = rows_that_count(make_inputs(contract_of(id), id));
  const double size = double(size_of(id.types[k_logits].type)),
               seen = double(counted) * double(shape.live);
  return {(seen + (shape.gradient ? double(shape.rows * shape.columns) : 0)) * size +
              8 * double(shape.rows) + 4,
          (shape.gradient ? 7 : 4) * seen};
}

struct wanted_entropy {
  std::int64_t rows, columns;
  distribution_id from = {"normal", {}};
  double live = 0;
  std::int64_t align = 256, pad = 0;
  bool in_place = false;
  double scale = 1;
};

case_id entropy_case(const contract& c, const std::vector<dtype>& types,
                     const wanted_entropy& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"rows", wanted.rows}, {"v", wanted.columns}};
  const bool gradient = c.direction == "bwd";
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.in_place && gradient) id.shape.push_back({"inplace", 1});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  id.shape.push_back({"live", wanted.live});
  if (gradient) id.shape.push_back({"scale", wanted.scale});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_entropy> all = {
      {0, 7},
      {3, 0},
      {5, 1},
      {7, 33},
      {20, 5, {"special", {}}, 4},
      {30, 3, {"special", {}}},
      {6, 70, {"tails", {}}, 65, 2},
      {9, 257, {"normal", {{"scale", 10}}}, 0, 8, 0, true},
      {3, 1000, {"uniform", {{"low", -20}, {"high", 20}}}, 0, 2, 3},
      {1, 5003, {"normal", {}}, 0, 256, 0, true},
      {2, 4097, {"constant", {}}},
      {5, 65, {"wide", {}}},
      {40, 40, {"normal", {}}, 37, 256, 6, true, 1024},
      {8, 64, {"constant", {{"value", -0.75}}}, 50, 256, 0, false, 0.375},
      {3, 70, {"exact", {}}},
      {5, 40, {"one_hot", {{"index", 45}, {"value", 100}}}},
      {4, 45, {"constant", {{"value", -60000}}}},
      {300, 6, {"normal", {{"mean", 4}, {"scale", 3}}}},
      {1, 61003, {"exact", {}}, 0, 2},
      {2, 50257, {"exact", {}}, 0, 256, 0, true},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_entropy& each : all) cases.push_back(entropy_case(c, types, each, seed++));
  return cases;
}

contract contract_for(bool mean, bool gradient) {
  contract c;
  c.component = "cross_entropy";
  c.variant = mean ? "mean" : "sum";
  c.direction = gradient ? "bwd" : "fwd";
  c.about = "log sum e^(x_k) - x_t of each row, and their " + c.variant;
  if (gradient) c.about += ", with its gradient, times scale, in x";
  c.dimensions = {"rows", "v"};
  c.at_most = {{"live", "v"}};
  c.parameters = {{"live", 0, "so many columns count, the first ones; 0: all", 0, 0x1p24, true}};
  if (gradient) c.parameters.push_back({"scale", 1, "what the gradient is multiplied by"});
  const std::vector<std::string> logits = {"rows", "v"};
  c.inputs = {{"logits", logits}, {"targets", {"rows"}, drawn::as_target, "v"}};
  if (gradient) c.outputs = {{"gradient", logits}};
  c.sums_over_first = mean && gradient;  // what counts in all rows is in every gradient of a mean
  c.outputs.push_back({"losses", {"rows"}});
  c.outputs.push_back({"total", {}});
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    c.signatures.push_back({t, dtype::int32});
    if (gradient) c.signatures.back().push_back(t);
    c.signatures.back().insert(c.signatures.back().end(), 2, dtype::fp32);
  }
  c.takes_gaps = true;
  c.finish_inputs = finish_targets;
  c.objection = objection;
  c.exact = exact_outputs;
  c.precise = precise_cross_entropy();
  // Zeros that underflow or that cancel have no sign to keep.
  c.policies = [outputs = c.outputs.size()] {
    return std::vector<comparison_policy>(outputs, {.zero_sign = false});
  };
  c.masked_share = [](const case_inputs& in) {
    const double rows = double(in.values[k_targets].size());
    return rows > 0 ? 1 - double(rows_that_count(in)) / rows : 0;
  };
  // A row's gradients share its sum.
  c.group = [gradient](const case_id& id, std::size_t output) {
    return gradient && output == 0 ? std::max<std::int64_t>(id.dimension("v"), 1) : 1;
  };
  c.implementations = cross_entropy_implementations(gradient);
  c.cost_of = cost_of;
  add_cross_entropy_properties(c);
  c.cases = cases_of(c);
  c.decoy_case = entropy_case(c, c.signatures.front(), {6, 41, {"normal", {}}, 37}, 3);
  c.timed_case = entropy_case(c, c.signatures.front(), {1, 50257}, 1);
  return c;
}

}  // namespace

std::vector<contract> cross_entropy_contracts() {
  std::vector<contract> all;
  for (const bool mean : {true, false})
    for (const bool gradient : {false, true}) all.push_back(contract_for(mean, gradient));
  return all;
}

}  // namespace assay::properties
