#include "tools/gpt2/trace.hpp"

#include "properties/judgement.hpp"
#include "reference/gpt2_gradient.hpp"
#include "tools/gpt2/norm.hpp"
#include "tools/gpt2/operation_case.hpp"

#include <algorithm>

namespace assay::gpt2 {
namespace {

properties::prepared_case prepared(const operation& of, executor& by) {
  const properties::contract& c = contract_of(of);
  properties::prepared_case result{&c, {case_of(of, by.of()), {}, parameters_of(of)}, {}};
  for (const operand& each : of.inputs) result.inputs.values.push_back(by.download(each));
  result.exact = c.exact(result.inputs);
  return result;
}

// A window has no value of its own in the reference.
bool is_whole(const operand& part) { return part.strides.empty() && part.offset == 0; }

void compare_with_reference(traced_output& output, std::span<const double> got,
                            std::span<const double> exact, const weights& truth) {
  const auto known = truth.find(output.value);
  if (known == truth.end() || known->second.elements().size() != got.size()) return;
  const std::span<const double> model = known->second.elements();
  const double size = norm(model);
  if (!(size > 0)) return;
  output.added = distance(got, exact) / size;
  output.inherited = distance(exact, model) / size;
}

traced_operation judged(const operation& of, const std::string& implementation, executor& by,
                        const properties::prepared_case& before, const weights& truth) {
  traced_operation result{of.name, of.function, implementation, {}};
  std::vector<std::vector<double>> got;
  for (const operand& each : of.outputs) got.push_back(by.download(each));
  const std::vector<properties::output_verdict> verdicts =
      judge(before, *contract_of(of).find(implementation), got,
            {.scatter = false, .unbounded_fails = false});
  for (std::size_t k = 0; k < got.size(); ++k) {
    const properties::verdict& strict = verdicts[k].strict;
    traced_output output{.value = of.outputs[k].value,
                         .fraction = strict.worst_fraction,
                         .elements = strict.elements,
                         .unjudged = strict.elements - strict.judged + strict.unbounded,
                         .reason = strict.reason};
    if (is_whole(of.outputs[k]))
      compare_with_reference(output, got[k], before.exact[k].value, truth);
    result.outputs.push_back(std::move(output));
  }
  return result;
}

}  // namespace

bool traced_operation::passed() const {
  return std::all_of(outputs.begin(), outputs.end(),
                     [](const traced_output& each) { return each.reason.empty(); });
}

double traced_operation::fraction() const {
  double most = 0;
  for (const traced_output& each : outputs) most = std::max(most, each.fraction);
  return most;
}

std::vector<traced_operation> traced(executor& by, const weights& truth,
                                     const std::function<bool(const traced_operation&)>& seen) {
  std::vector<traced_operation> all;
  for (std::size_t i = 0; i < by.of().operations.size(); ++i) {
    const operation& of = by.of().operations[i];
    const properties::prepared_case before = prepared(of, by);  // a kernel may overwrite its inputs
    by.run(i);
    all.push_back(judged(of, by.implementation_of(i), by, before, truth));
    if (!seen(all.back())) break;
  }
  return all;
}

weights reference_values(const model& of, const reference::token_batch& tokens,
                         const std::vector<std::int64_t>& targets, bool backward) {
  const reference::gpt2<double> model(of.config, of.parameters);
  weights values = model.forward(tokens);
  if (!backward) return values;
  auto loss = reference::loss_of<double>(values.at("logits").elements(), targets);
  const weights gradients =
      reference::gpt2_gradient<double>(model, tokens, values).from(std::move(loss.gradient));
  for (const auto& [name, gradient] : gradients)
    values.emplace((of.parameters.contains(name) ? "gradient." : "d.") + name, gradient);
  return values;
}

}  // namespace assay::gpt2
