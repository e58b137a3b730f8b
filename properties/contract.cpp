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
constexpr std::int64_t k_most_gap = std::int64_t(1) << 20;

std::vector<contract>& known_contracts() {
  static std::vector<contract> all = all_contracts();
  return all;
}

// Without the dimension `but`.
std::int64_t elements_of_shape(const tensor_spec& tensor, const case_id& id,
                               const std::string& but) {
  std::int64_t count = 1;
  for (const std::string& name : tensor.shape) {
    const named_extent each = named_extent::of(name);
    if (each.dimension != but) count *= each.of_size(id.dimension(each.dimension));
  }
  return count;
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

// Lengths are int32.
void validate_lengths(const contract& c, const case_id& id) {
  for (const tensor_spec& each : c.inputs)
    if (!each.up_to.empty() && most_of(each, id) > 0x7fffffff)
      throw bad_input("case '{}': {}={} is more than '{}' can say; at most 2147483647", print(id),
                      each.up_to, most_of(each, id), each.name);
}

void validate_sizes(const contract& c, const case_id& id) {
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) {
      std::int64_t elements = 1;
      for (const std::string& name : tensor.shape) {
        const named_extent each = named_extent::of(name);
        const std::int64_t size = std::max<std::int64_t>(id.dimension(each.dimension), 1);
        if (size > k_most_elements || elements > k_most_elements / each.of_size(size))
          throw bad_input("case '{}' is too large: more than {} elements", print(id),
                          k_most_elements);
        elements *= each.of_size(size);
      }
    }
}

// Dimensions, then layout, then parameters, each in its contract's order: one case, one line.
void validate_keys(const contract& c, const case_id& id) {
  std::vector<std::string> order = c.dimensions;
  order.insert(order.end(), {"align", "inplace", "pad"});
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

void validate_gaps(const contract& c, const case_id& id) {
  if (!contains(id.shape, "pad")) return;
  const number pad = value_of(id.shape, "pad", 0);
  if (!pad.is_integer() || pad.as_integer() < 0 || pad.as_integer() > k_most_gap)
    throw bad_input("case '{}': pad={} is not an integer from 0 to {}", print(id), pad.text(),
                    k_most_gap);
  if (pad.as_integer() > 0 && !c.takes_gaps)
    throw bad_input("case '{}': {} takes no gaps between rows (pad=)", print(id), c.function());
  const std::int64_t length = std::max<std::int64_t>(id.dimension(c.dimensions.back()), 1);
  const std::int64_t widest = length + pad.as_integer() * std::int64_t(id.types.size());
  if (elements_of(c, id) / length > k_most_elements / widest)
    throw bad_input("case '{}' is too large: more than {} elements, gaps included", print(id),
                    k_most_elements);
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
  validate_gaps(c, id);
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

std::vector<std::vector<dtype>> signatures_of(const contract& c, const implementation& by) {
  std::vector<std::vector<dtype>> taken;
  for (const std::vector<dtype>& types : c.signatures)
    if (by.dtypes.empty() ||
        std::find(by.dtypes.begin(), by.dtypes.end(), types.front()) != by.dtypes.end())
      taken.push_back(types);
  return taken;
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

std::int64_t multiple_of(const contract& c, const std::string& dimension) {
  const auto found = c.multiples.find(dimension);
  return found == c.multiples.end() ? 1 : found->second;
}

namespace {

// A dimension, or a parameter that is a whole number: as the id gives it, or its default.
std::int64_t size_named(const contract& c, const case_id& id, const std::string& name) {
  const auto spec = std::find_if(c.parameters.begin(), c.parameters.end(),
                                 [&](const parameter_spec& p) { return p.name == name; });
  if (spec == c.parameters.end()) return id.dimension(name);
  return std::int64_t(
      parameter_value(*spec, value_of(id.shape, name, spec->otherwise).as_double()));
}

}  // namespace

std::string misfit(const contract& c, const case_id& id) {
  for (const auto& [dimension, parameter] : c.divided_by) {
    const std::int64_t parts = size_named(c, id, parameter);
    if (id.dimension(dimension) % parts != 0)
      return fmt::format("{}={} is not a multiple of {}={}", dimension, id.dimension(dimension),
                         parameter, parts);
  }
  for (const auto& [name, dimension] : c.at_most)
    if (size_named(c, id, name) > id.dimension(dimension))
      return fmt::format("{}={} is more than {}={}", name, size_named(c, id, name), dimension,
                         id.dimension(dimension));
  return {};
}

void validate(const contract& c, const case_id& id) {
  validate_types(c, id);
  for (const std::string& dimension : c.dimensions) {
    const std::int64_t extent = id.dimension(dimension);
    if (extent < 0) throw bad_input("case '{}': {}={} is negative", print(id), dimension, extent);
    if (extent % multiple_of(c, dimension) != 0)
      throw bad_input("case '{}': {}={} is not a multiple of {}", print(id), dimension, extent,
                      multiple_of(c, dimension));
  }
  validate_sizes(c, id);
  validate_lengths(c, id);
  validate_keys(c, id);
  validate_layout(c, id);
  try {
    for (const parameter_spec& each : c.parameters)
      parameter_value(each, value_of(id.shape, each.name, each.otherwise).as_double());
    if (const std::string what = misfit(c, id); !what.empty()) throw bad_input("{}", what);
    const distribution known(id.distribution);
  } catch (const bad_input& wrong) {
    throw bad_input("case '{}': {}", print(id), wrong.what());
  }
}

double parameter_value(const parameter_spec& spec, double given) {
  const double rounded = spec.whole ? given : round_to(dtype::fp32, given);
  if (!std::isfinite(rounded))
    throw bad_input("parameter {}={} is not a finite {}", spec.name, number(given).text(),
                    spec.whole ? "number" : "fp32 number");
  if (rounded < spec.least || rounded > spec.most)
    throw bad_input("parameter {}={} is not a number from {} to {}", spec.name,
                    number(given).text(), number(spec.least).text(), number(spec.most).text());
  if (spec.whole && rounded != std::floor(rounded))
    throw bad_input("parameter {}={} is not an integer", spec.name, number(given).text());
  return rounded;
}

named_extent named_extent::of(const std::string& name) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  const std::size_t slash = std::min(name.find('/'), name.size());
  return {digits > 0 ? std::stoll(name.substr(0, digits)) : 1,
          slash < name.size() ? std::stoll(name.substr(slash + 1)) : 1,
          name.substr(digits, slash - digits)};
}

std::vector<std::int64_t> shape_of(const tensor_spec& tensor, const case_id& id) {
  std::vector<std::int64_t> shape;
  for (const std::string& name : tensor.shape) {
    const named_extent each = named_extent::of(name);
    shape.push_back(each.of_size(id.dimension(each.dimension)));
  }
  return shape;
}

std::int64_t most_of(const tensor_spec& tensor, const case_id& id) {
  const std::size_t space = tensor.up_to.find(' ');
  const std::int64_t first = id.dimension(tensor.up_to.substr(0, space));
  return space == std::string::npos ? first : first * id.dimension(tensor.up_to.substr(space + 1));
}

std::vector<std::int64_t> strides_of(const contract& c, const case_id& id, std::size_t tensor) {
  const std::int64_t pad = value_of(id.shape, "pad", 0).as_integer();
  if (pad == 0) return {};
  std::int64_t gap = 0;
  std::vector<std::int64_t> shape;
  for (std::size_t t = 0; t <= tensor; ++t) {
    const tensor_spec& spec = t < c.inputs.size() ? c.inputs[t] : c.outputs[t - c.inputs.size()];
    const std::string last =
        spec.shape.size() > 1 ? named_extent::of(spec.shape.back()).dimension : "";
    const bool rows = last == c.dimensions.back() ||
                      std::find(c.gapped.begin(), c.gapped.end(), last) != c.gapped.end();
    gap += rows ? pad : 0;
    shape = rows ? shape_of(spec, id) : std::vector<std::int64_t>();
  }
  if (shape.empty()) return {};
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size() - 1; d > 0; --d)
    strides[d - 1] = strides[d] * shape[d] + (d + 1 == shape.size() ? gap : 0);
  return strides;
}

std::int64_t elements_of(const contract& c, const case_id& id) {
  for (const std::string& dimension : c.dimensions)
    if (id.dimension(dimension) == 0) return 0;
  std::int64_t most = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors) most = std::max(most, elements_of_shape(each, id, ""));
  return most;
}

std::int64_t piece_elements_of(const contract& c, const case_id& id) {
  std::int64_t most = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      if (!each.shape.empty() && each.shape.front() == c.dimensions.front())
        most = std::max(most, elements_of_shape(each, id, c.dimensions.front()));
  return most;
}

}  // namespace assay::properties
