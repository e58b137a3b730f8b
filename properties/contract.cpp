#include "properties/contract.hpp"

#include "properties/bad_input.hpp"
#include "properties/components.hpp"
#include "properties/distribution.hpp"
#include "properties/nearest.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr std::int64_t k_most_elements = std::int64_t(1) << 34;

std::vector<contract>& known_contracts() {
  static std::vector<contract> all = all_contracts();
  return all;
}

// The distribution that a tensor is drawn from in a case.
distribution_id distribution_for(const tensor_spec& tensor, const case_id& id) {
  if (tensor.how == drawn::by_case) return id.distribution;
  const std::string& name = id.distribution.name;
  if (name == "special" || name == "exact" || name == "constant") return id.distribution;
  if (name == "patterns") return {"constant", {{"value", 1}}};
  return {"normal", {}};
}

void validate_types(const contract& c, const case_id& id) {
  std::vector<dtype> given;
  std::string expected;
  std::size_t at = 0;
  bool named_right = id.types.size() == c.inputs.size() + c.outputs.size();
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) {
      expected += (at ? "," : "") + tensor.name + "=...";
      named_right = named_right && id.types[at].name == tensor.name;
      if (named_right) given.push_back(id.types[at].type);
      ++at;
    }
  if (!named_right)
    throw bad_input("case '{}': its tensors are not those of {}; expected {}", print(id),
                    c.function(), expected);
  if (std::find(c.signatures.begin(), c.signatures.end(), given) == c.signatures.end())
    throw bad_input("case '{}': {} does not take this combination of dtypes (see assay list {})",
                    print(id), c.function(), c.component);
}

// Dimensions, then layout, then parameters, each in its contract's order: one case, one line.
void validate_keys(const contract& c, const case_id& id) {
  std::vector<std::string> order = c.dimensions;
  order.insert(order.end(), {"align", "inplace"});
  for (const parameter_spec& each : c.parameters) order.push_back(each.name);
  auto next = order.begin();
  for (const field& each : id.shape) {
    if (std::find(order.begin(), order.end(), each.key) == order.end())
      throw bad_input("case '{}': {} has no dimension or parameter '{}'", print(id), c.function(),
                      each.key);
    next = std::find(next, order.end(), each.key);
    if (next == order.end())
      throw bad_input("case '{}': '{}' stands too far behind; expected the order {}", print(id),
                      each.key, fmt::join(order, ","));
  }
}

void validate_layout(const contract& c, const case_id& id) {
  const number align = value_of(id.shape, "align", 256);
  const std::int64_t a = align.is_integer() ? align.as_integer() : 0;
  std::int64_t narrowest = 8;  // a tensor of wider elements is aligned to those
  for (const tensor_type& each : id.types)
    narrowest = std::min(narrowest, std::int64_t(size_of(each.type)));
  if (a < narrowest || a > 256 || (a & (a - 1)) != 0)
    throw bad_input("case '{}': align={} is not a power of two from {} to 256", print(id),
                    align.text(), narrowest);
  const number in_place = value_of(id.shape, "inplace", 0);
  if (!(in_place == number(0)) && !(in_place == number(1)))
    throw bad_input("case '{}': inplace={} is neither 0 nor 1", print(id), in_place.text());
  if (in_place == number(1) && (c.inputs[0].shape != c.outputs[0].shape ||
                                id.types[0].type != id.types[c.inputs.size()].type))
    throw bad_input("case '{}': in place needs a first output like the first input", print(id));
}

}  // namespace

const implementation* contract::find(const std::string& name) const {
  for (const implementation& each : implementations)
    if (each.name == name) return &each;
  return nullptr;
}

const std::vector<contract>& contracts() { return known_contracts(); }

void add_contract(contract added) {
  for (const contract& each : known_contracts())
    if (each.function() == added.function())
      throw bad_input("there are two contracts of {}", added.function());
  known_contracts().push_back(std::move(added));
}

const contract& contract_of(const case_id& id) {
  std::vector<std::string> names;
  for (const contract& c : contracts()) {
    if (c.function() == id.function()) return c;
    names.push_back(c.function());
  }
  throw bad_input("unknown function '{}'; {}", id.function(), suggestion(id.function(), names));
}

void validate(const contract& c, const case_id& id) {
  validate_types(c, id);
  std::int64_t elements = 1;
  for (const std::string& dimension : c.dimensions) {
    const std::int64_t extent = id.dimension(dimension);
    if (extent < 0) throw bad_input("case '{}': {}={} is negative", print(id), dimension, extent);
    if (extent > 0 && elements > k_most_elements / extent)
      throw bad_input("case '{}' is too large: more than {} elements", print(id), k_most_elements);
    elements *= std::max<std::int64_t>(extent, 1);
  }
  validate_keys(c, id);
  validate_layout(c, id);
  try {
    for (const parameter_spec& each : c.parameters)
      parameter_value(each, value_of(id.shape, each.name, each.otherwise).as_double());
    const distribution known(id.distribution);
  } catch (const bad_input& wrong) {
    throw bad_input("case '{}': {}", print(id), wrong.what());
  }
}

double parameter_value(const parameter_spec& spec, double given) {
  const double rounded = round_to(dtype::fp32, given);
  if (!std::isfinite(rounded))
    throw bad_input("parameter {}={} is not a finite fp32 number", spec.name, number(given).text());
  if (rounded < spec.least || rounded > spec.most)
    throw bad_input("parameter {}={} is not a number from {} to {}", spec.name,
                    number(given).text(), number(spec.least).text(), number(spec.most).text());
  return rounded;
}

std::vector<std::int64_t> shape_of(const tensor_spec& tensor, const case_id& id) {
  std::vector<std::int64_t> shape;
  for (const std::string& dimension : tensor.shape) shape.push_back(id.dimension(dimension));
  return shape;
}

std::int64_t elements_of(const contract& c, const case_id& id) {
  std::int64_t count = 1;
  for (const std::string& dimension : c.dimensions) count *= id.dimension(dimension);
  return count;
}

std::int64_t piece_elements_of(const contract& c, const case_id& id) {
  std::int64_t count = 1;
  for (std::size_t d = 1; d < c.dimensions.size(); ++d) count *= id.dimension(c.dimensions[d]);
  return count;
}

case_inputs make_inputs(const contract& c, const case_id& id) {
  case_inputs inputs;
  inputs.id = id;
  for (std::size_t t = 0; t < c.inputs.size(); ++t) {
    const distribution from(distribution_for(c.inputs[t], id));
    std::uint64_t count = 1;
    for (std::int64_t extent : shape_of(c.inputs[t], id)) count *= std::uint64_t(extent);
    std::vector<double> values(count);
    for (std::uint64_t i = 0; i < count; ++i)
      values[i] = from.element({id.seed, std::uint32_t(t), i, count, id.types[t].type});
    inputs.values.push_back(std::move(values));
  }
  for (const parameter_spec& parameter : c.parameters)
    inputs.parameters.push_back(parameter_value(
        parameter, value_of(id.shape, parameter.name, parameter.otherwise).as_double()));
  if (c.finish_inputs) c.finish_inputs(inputs);
  return inputs;
}

}  // namespace assay::properties
