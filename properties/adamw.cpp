// adamw.step.fwd: one step of AdamW, of weights and both moments. adamw.copied.fwd: the same, and a
// copy of the new weights in 16 bits, for training in mixed precision.

#include "reference/adamw.hpp"

#include "properties/adamw_numerics.hpp"
#include "properties/adamw_properties.hpp"
#include "properties/adamw_shape.hpp"
#include "properties/elementwise.hpp"
#include "properties/precise.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace assay::properties {
namespace {

// Every element's step in R, with its error: append(truth of an output, value, error, its format).
// The truth of a copy is that of the weight, unrounded: only a kernel's has been fp32 before.
template <class R, class Append>
std::vector<truth> steps_in(const case_inputs& in, const Append& append) {
  const std::vector<double>& p = in.parameters;
  const reference::adamw_settings<R> by{p[k_rate], p[k_beta1], p[k_beta2], p[k_eps], p[k_decay]};
  const auto of_mean = reference::correction_of(by.beta1, step_of(in)),
             of_square = reference::correction_of(by.beta2, step_of(in));
  const R factor(in.values[k_factor][0]);
  std::vector<truth> out(copies(in.id) ? 4 : 3);
  for (std::size_t i = 0; i < in.values[k_weight].size(); ++i) {
    const reference::adamw_state<R> old{in.values[k_weight][i], in.values[k_mean][i],
                                        in.values[k_square][i]};
    const auto [value, error] = reference::adamw_with_error<R>(
        by, of_mean, of_square, factor * R(in.values[k_gradient][i]), old);
    append(out[k_new_weight], value.weight, error.weight, reference::k_fp32);
    append(out[k_new_mean], value.mean, error.mean, reference::k_fp32);
    append(out[k_new_square], value.square, error.square, reference::k_fp32);
    if (copies(in.id))
      append(out[k_copy], value.weight, error.weight, format_of(in.id.type_of("copy")));
  }
  return out;
}

std::vector<truth> exact_steps(const case_inputs& in) {
  return steps_in<double>(in, [](truth& all, double value, double error, reference::format) {
    all.value.push_back(value);
    all.error.push_back(error);
  });
}

std::vector<truth> precise_steps(const case_inputs& in) {
  using R = reference::mpfr_real<960>;
  return steps_in<R>(in, [](truth& all, const R& value, const R& error, reference::format format) {
    append_precise(all, format, value, error);
  });
}

// Second moments are no less than 0. A factor of 1, which most steps have, is drawn by nobody.
void finish(case_inputs& in) {
  for (double& square : in.values[k_square]) square = std::abs(square);
  const std::string& from = in.id.distribution.name;
  if (from == "exact" || from == "constant") in.values[k_factor][0] = 1;
}

std::string objection(const case_inputs& in) {
  for (const double square : in.values[k_square])
    if (square < 0) return "tensor 'square' has a number below 0; expected a mean of squares";
  return {};
}

struct wanted_step {
  double rate, beta1, beta2, eps, decay;
  std::int64_t step;
  distribution_id from = {"normal", {}};
  std::int64_t n = 1023;
};

case_id step_case(const contract& c, const std::vector<dtype>& types, const wanted_step& wanted,
                  std::uint64_t seed) {
  case_id id = elementwise_case(c, types, wanted.n, wanted.from, seed);
  const double values[] = {wanted.rate, wanted.beta1, wanted.beta2, wanted.eps, wanted.decay};
  for (std::size_t k = 0; k < std::size(values); ++k) id.shape[1 + k].value = number(values[k]);
  id.shape.back().value = number(double(wanted.step));
  return id;
}

// Bytes of an element of the narrowest tensor.
std::int64_t narrowest_of(const case_id& id) {
  std::size_t least = size_of(dtype::fp64);
  for (const tensor_type& each : id.types) least = std::min(least, size_of(each.type));
  return std::int64_t(least);
}

// The cases of every element-wise function, and those in which a parameter matters: later steps, a
// rate that makes the update as large as the weight, moments that are the gradient's own, neither
// decay nor eps, and a beta so close to 1 that 1 - beta^t cancels.
std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_step> all = {
      {0.0006, 0.9, 0.95, 1e-8, 0.1, 2000},
      {1, 0.9, 0.999, 1e-8, 0.01, 2},
      {0.5, 0.9, 0.999, 0.125, 0, 100, {"tails", {}}, 2050},
      {1, 0, 0.999, 1e-8, 0.1, 1},
      {1, 0.9, 0, 1e-8, 0, 3},
      {0.25, 0.9, 0.999, 0, 0, 7},
      {1, 0.99999994, 0.99999994, 1e-8, 0, 16777216},
      {1, 0.99999994, 0.99999994, 1e-8, 0, 5},
      {0.125, 0.5, 0.5, 0.001, 0.5, 9, {"exact", {}}, 513},
  };
  std::vector<case_id> cases = elementwise_cases(c);
  for (case_id& id : cases)  // tensors of 16 bits begin between two elements of fp32, too
    for (field& each : id.shape)
      if (each.key == "align" && each.value == number(std::int64_t(4)))
        each.value = narrowest_of(id);
  std::uint64_t seed = 201;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_step& each : all) cases.push_back(step_case(c, types, each, seed++));
  return cases;
}

std::vector<parameter_spec> parameters_of_a_step() {
  constexpr double k_below_1 = 0x1.fffffep-1, k_most = 0x1p20;
  return {{"rate", 0.001, "the learning rate", 0, k_most},
          {"beta1", 0.9, "of the mean of gradients", 0, k_below_1},
          {"beta2", 0.999, "of the mean of their squares", 0, k_below_1},
          {"eps", 1e-8, "added to the root", 0, k_most},
          {"decay", 0.01, "of the weight, times the rate", 0, k_most},
          {"step", 1, "t, from 1 on", 1, 0x1p24, true}};
}

cost cost_of_step(const case_id& id) {
  const double n = double(id.dimension("n"));
  if (n == 0) return {};
  std::size_t bytes = 0;  // of a parameter
  for (const tensor_type& each : id.types)
    if (each.name != "factor") bytes += size_of(each.type);
  return {n * double(bytes) + 4, 16 * n};
}

// Of a model that computes in 16 bits gradients may be fp32, too: those of a layer norm's gains.
std::vector<std::vector<dtype>> signatures(bool copied) {
  std::vector<std::vector<dtype>> all;
  const auto add = [&](dtype gradient) -> std::vector<dtype>& {
    all.emplace_back(8, dtype::fp32)[k_gradient] = gradient;
    return all.back();
  };
  if (!copied)
    for (const dtype gradient : {dtype::fp32, dtype::bf16, dtype::fp16}) add(gradient);
  else
    for (const auto [gradient, copy] : {std::pair{dtype::bf16, dtype::bf16},
                                        {dtype::fp16, dtype::fp16},
                                        {dtype::fp32, dtype::bf16},
                                        {dtype::fp32, dtype::fp16}})
      add(gradient).push_back(copy);
  return all;
}

contract contract_of_a_step(bool copied) {
  contract c;
  c.component = "adamw";
  c.variant = copied ? "copied" : "step";
  c.direction = "fwd";
  c.about =
      "m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, g = factor gradient; w = w - "
      "rate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + decay w)";
  if (copied) c.about += "; copy = w";
  c.dimensions = {"n"};
  c.inputs = {{"weight", {"n"}},
              {"gradient", {"n"}},
              {"mean", {"n"}},
              {"square", {"n"}},
              {"factor", {}, drawn::as_slope}};
  c.outputs = {{"new_weight", {"n"}}, {"new_mean", {"n"}}, {"new_square", {"n"}}};
  if (copied) c.outputs.push_back({"copy", {"n"}});
  c.parameters = parameters_of_a_step();
  c.signatures = signatures(copied);
  c.finish_inputs = finish;
  c.objection = objection;
  c.exact = exact_steps;
  c.precise = {"MPFR at 960 bits", 289, precise_steps};
  // Zeros that underflow or that cancel have no sign to keep.
  c.policies = [count = c.outputs.size()] {
    return std::vector<comparison_policy>(count, {.zero_sign = false});
  };
  c.implementations = adamw_implementations(copied);
  c.cost_of = cost_of_step;
  add_adamw_properties(c);
  c.cases = cases_of(c);
  c.decoy_case = c.timed_case = elementwise_decoy_case(c);
  return c;
}

}  // namespace

std::vector<contract> adamw_contracts() {
  return {contract_of_a_step(false), contract_of_a_step(true)};
}

}  // namespace assay::properties
