#include "golden/kernels.hpp"

#include "properties/bad_input.hpp"
#include "reference/round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::golden {

using namespace properties;

namespace {

void require_shape(const recorded_case& of, const tensor_spec& spec) {
  const tensor* const found = of.find(spec.name);
  if (!found || found->shape != shape_of(spec, of.id))
    throw bad_input("'{}:{}' is not of the shape that its case has", print(of.id), spec.name);
}

}  // namespace

prepared_case prepared_from(const recorded_case& of) {
  const contract& c = contract_of(of.id);
  validate(c, of.id);
  prepared_case prepared{&c, {}, {}};
  prepared.inputs.id = of.id;
  for (const tensor_spec& spec : c.inputs) {
    require_shape(of, spec);
    prepared.inputs.values.push_back(of.find(spec.name)->values());
  }
  for (const parameter_spec& spec : c.parameters)
    prepared.inputs.parameters.push_back(
        parameter_value(spec, value_of(of.id.shape, spec.name, spec.otherwise).as_double()));
  for (const tensor_spec& spec : c.outputs) {
    require_shape(of, spec);
    prepared.exact.push_back(of.truth_of(spec.name));
  }
  return prepared;
}

bool fits(const recorded_case& of) {
  try {
    (void)prepared_from(of);
    return true;
  } catch (const bad_input&) {
    return false;
  }
}

std::string disagreement_with_double(const recorded_case& of) {
  const prepared_case recorded = prepared_from(of);
  const std::vector<truth> now = recorded.of->exact(recorded.inputs);
  for (std::size_t k = 0; k < now.size(); ++k)
    for (std::size_t i = 0; i < now[k].value.size(); ++i) {
      const element_truth a = recorded.exact[k].at(i), b = now[k].at(i);
      const bool good = std::isfinite(a.value)
                            ? std::abs(a.value - b.value) <= a.error + b.error
                            : a.value == b.value || (std::isnan(a.value) && std::isnan(b.value));
      if (!good)
        return fmt::format(
            "{}[{}]: recorded {:.17g} within {:.3g}, double has {:.17g} within {:.3g}",
            recorded.of->outputs[k].name, i, a.value, a.error, b.value, b.error);
    }
  return {};
}

double largest_fraction(const run_report& report) {
  if (report.outputs.empty()) return reference::k_infinity;
  double most = 0;
  for (const output_verdict& each : report.outputs)
    most = std::max(most, each.strict.worst_fraction);
  return most;
}

std::vector<std::string> implementations_of(const case_id& id) {
  std::vector<std::string> names;
  for (const implementation& by : contract_of(id).implementations)
    if (!by.declines || by.declines(id).empty()) names.push_back(by.name);
  return names;
}

}  // namespace assay::golden
