#include "properties/judgement.hpp"

#include "properties/bad_input.hpp"
#include "properties/choices.hpp"
#include "properties/distribution.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace assay::properties {
namespace {

// Of one output, element by element; where the truth is no number, or infinite, nothing is allowed
// (it must be met exactly), but where the arithmetic leaves open what comes of it.
std::vector<double> limits_of(const std::vector<running::value>& model, const running& arithmetic,
                              reference::format out, const truth& exact) {
  std::vector<double> limits(model.size());
  for (std::size_t i = 0; i < model.size(); ++i) {
    const bool anything = model[i].after == reference::k_infinity;
    const double limit = std::isfinite(exact.value[i]) ? arithmetic.bound(model[i], out)
                         : anything                    ? reference::k_infinity
                                                       : 0;
    limits[i] = std::isnan(limit) ? reference::k_infinity : limit;
  }
  return limits;
}

// A number that all elements share stays what it is: how its products round hangs on its last
// digits, and where the other factors are short (128 significands of bf16) all of them may lean to
// one side.
case_inputs perturbed_inputs(const contract& c, const case_inputs& original,
                             std::uint64_t replicate) {
  case_inputs inputs = original;
  for (std::size_t t = 0; t < inputs.values.size(); ++t) {
    if (is_integer(original.id.types[t].type)) continue;  // a length is what it is
    if (c.inputs[t].shape.empty()) continue;
    element_stream stream(replicate + 1, std::uint32_t(1000 + t), original.id.seed);
    for (double& x : inputs.values[t]) x = perturbed(original.id.types[t].type, x, stream);
  }
  return inputs;
}

scatter_model scatter_of(const prepared_case& prepared, const implementation& by,
                         std::size_t output, reference::format out) {
  scatter_model model;
  const contract& c = *prepared.of;
  if (c.group) model.group = c.group(prepared.inputs.id, output);
  model.replicate = [&prepared, &by, &c, output, out](std::uint64_t k, function_lean lean,
                                                      std::span<double> errors) {
    const case_inputs inputs = perturbed_inputs(c, prepared.inputs, k);
    element_stream noise(k + 1, 2000, prepared.inputs.id.seed);
    const prepared_case moved{&c, inputs, c.exact(inputs)};
    const std::vector<bool> promised = promised_elements(moved, by, output);
    const auto values = by.model->compute(inputs, errors_leaning(lean, noise));
    const concrete arithmetic(by.model->accumulates_in());
    for (std::size_t i = 0; i < errors.size(); ++i)
      errors[i] = promised[i]
                      ? arithmetic.unrounded(values[output][i], out) - moved.exact[output].value[i]
                      : reference::k_nan;
  };
  return model;
}

// A choice that rounding leaves open is any of those that are: where what came is one of them, it
// is the truth.
truth settled(truth exact, const std::vector<std::vector<std::int64_t>>& open,
              const std::vector<double>& got) {
  for (std::size_t i = 0; i < exact.value.size() && i < got.size(); ++i) {
    const auto& any = open[i];
    if (std::any_of(any.begin(), any.end(), [&](std::int64_t x) { return double(x) == got[i]; }))
      exact.value[i] = got[i];
  }
  exact.rounded.clear();
  return exact;
}

}  // namespace

// An element costs its input, truth, error, rounded truth, model and bound as doubles, and its bits
// twice: about ten doubles.
void require_memory(const contract& c, const case_id& id) {
  double elements = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) {
      double count = 1;
      for (std::int64_t extent : shape_of(tensor, id)) count *= double(extent);
      elements += count;
    }
  const double need = 80 * elements,
               have = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
  if (need > have)
    throw bad_input("case '{}' needs about {:.0f} GiB of memory; this machine has {:.0f}",
                    print(id), need / 0x1p30, have / 0x1p30);
}

prepared_case prepare(const case_id& id) {
  const contract& c = contract_of(id);
  validate(c, id);
  require_memory(c, id);
  prepared_case prepared{&c, make_inputs(c, id), {}};
  prepared.exact = c.exact(prepared.inputs);
  return prepared;
}

std::vector<std::vector<double>> strict_limits(const prepared_case& prepared,
                                               const implementation& by, charge charged) {
  const std::size_t first_output = prepared.of->inputs.size();
  const running arithmetic(by.model->accumulates_in());
  const auto followed = by.model->follow(prepared.inputs, charged);
  std::vector<std::vector<double>> limits;
  for (std::size_t k = 0; k < followed.size(); ++k) {
    const dtype type = prepared.inputs.id.types[first_output + k].type;
    limits.push_back(limits_of(followed[k], arithmetic, format_of(type), prepared.exact[k]));
  }
  return limits;
}

std::vector<bool> promised_elements(const prepared_case& prepared, const implementation& by,
                                    std::size_t output) {
  const contract& c = *prepared.of;
  const std::vector<double>& x = prepared.inputs.values[0];
  std::vector<bool> promised(prepared.exact[output].value.size(), true);
  if (by.promises) return by.promises(prepared.inputs, output);
  if (!by.domain) return promised;
  if (c.outputs[output].shape != c.inputs[0].shape)
    promised.assign(promised.size(), std::all_of(x.begin(), x.end(), by.domain));
  else
    for (std::size_t i = 0; i < promised.size(); ++i) promised[i] = by.domain(x[i]);
  return promised;
}

std::vector<output_verdict> judge(const prepared_case& prepared, const implementation& by,
                                  const std::vector<std::vector<double>>& outputs,
                                  const judging& how) {
  const contract& c = *prepared.of;
  const case_id& id = prepared.inputs.id;
  const bool scatters =
      how.scatter && !as_choosing(*by.model) && distribution(id.distribution).info().scatters;
  const std::vector<comparison_policy> policies =
      c.policies ? c.policies() : std::vector<comparison_policy>(c.outputs.size());
  std::vector<std::vector<double>> limits = strict_limits(prepared, by);
  std::vector<truth> exact = prepared.exact;
  if (const choosing_model* const choice = as_choosing(*by.model); choice && outputs.size() == 1) {
    exact[0] = settled(std::move(exact[0]), choice->open(prepared.inputs), outputs[0]);
    std::fill(limits[0].begin(), limits[0].end(), 0);
  }
  const auto charged = scatters ? strict_limits(prepared, by, charge::everything) : limits;
  if (outputs.size() != prepared.exact.size())
    throw std::invalid_argument(fmt::format("{} has {} outputs, and {} are to be judged",
                                            c.function(), prepared.exact.size(), outputs.size()));
  std::vector<output_verdict> verdicts;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const dtype type = id.types[c.inputs.size() + k].type;
    const reference::format out = format_of(type);
    const std::vector<bool> promised = promised_elements(prepared, by, k);
    const bound_of bound = [&](std::size_t i, const element_truth& t) {
      const bool open = !std::isfinite(t.value) && limits[k][i] == reference::k_infinity;
      return judged_bound{{limits[k][i], true}, promised[i] && !open};
    };
    comparison_policy policy = policies[k];
    policy.zero_sign = policy.zero_sign && by.keeps_zero_sign;
    policy.unbounded_fails = how.unbounded_fails;
    output_verdict v{c.outputs[k].name, compare(type, outputs[k], exact[k], bound, policy), {}, {}};
    if (scatters) {
      std::vector<double> weights = charged[k];
      for (std::size_t i = 0; i < weights.size(); ++i)
        if (!promised[i]) weights[i] = 0;
      v.scatter =
          judge_scatter(type, outputs[k], exact[k], weights, scatter_of(prepared, by, k, out));
    }
    if (how.map && c.map.places)
      v.map = map_fractions(c.map, prepared.inputs, exact, outputs, k,
                            fractions_of(out, outputs[k], exact[k], bound, policy));
    verdicts.push_back(std::move(v));
  }
  return verdicts;
}

}  // namespace assay::properties
