#include "tools/gpt2/operation_case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

namespace assay::gpt2 {
namespace {

using namespace properties;

// Sizes of dimensions, from the operands' shapes.
void measure(const operation& of, const tensor_spec& spec, const operand& part,
             std::map<std::string, std::int64_t>& sizes) {
  const auto refuse = [&] {
    throw std::logic_error(fmt::format("{}: {} of {} is {}, and its contract says [{}]", of.name,
                                       spec.name, of.function, part.shape,
                                       fmt::join(spec.shape, ", ")));
  };
  if (part.shape.size() != spec.shape.size()) refuse();
  for (std::size_t d = 0; d < spec.shape.size(); ++d) {
    const named_extent extent = named_extent::of(spec.shape[d]);
    if (extent.block != 1) continue;
    const auto [known, is_new] = sizes.emplace(extent.dimension, part.shape[d] / extent.times);
    if (extent.of_size(known->second) != part.shape[d]) refuse();
  }
}

case_id named(const contract& c) {
  return {c.component, c.variant, c.direction, {}, {}, {"normal", {}}, 0};
}

}  // namespace

const contract& contract_of(const operation& of) {
  for (const contract& each : contracts())
    if (each.function() == of.function) return each;
  throw std::logic_error(of.name + ": there is no function " + of.function);
}

std::vector<double> parameters_of(const operation& of) {
  const contract& c = contract_of(of);
  if (of.parameters.size() != c.parameters.size())
    throw std::logic_error(of.name + ": not the parameters of " + of.function);
  std::vector<double> all;
  for (std::size_t i = 0; i < c.parameters.size(); ++i)
    all.push_back(parameter_value(c.parameters[i], of.parameters[i]));
  return all;
}

case_id case_of(const operation& of, const plan& in) {
  const contract& c = contract_of(of);
  if (of.inputs.size() != c.inputs.size() || of.outputs.size() != c.outputs.size())
    throw std::logic_error(of.name + ": not the tensors of " + of.function);
  case_id id = named(c);
  std::map<std::string, std::int64_t> sizes;
  const auto add = [&](const std::vector<tensor_spec>& specs, const std::vector<operand>& parts) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      id.types.push_back({specs[i].name, in.values.find(parts[i].value)->second.type});
      measure(of, specs[i], parts[i], sizes);
    }
  };
  add(c.inputs, of.inputs);
  add(c.outputs, of.outputs);
  for (const std::string& each : c.dimensions) id.shape.push_back({each, sizes.at(each)});
  const std::vector<double> parameters = parameters_of(of);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    id.shape.push_back({c.parameters[i].name, parameters[i]});
  return id;
}

}  // namespace assay::gpt2
