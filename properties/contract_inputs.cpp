// The inputs of a contract's case, made from its id (contract.hpp).
#include "properties/contract.hpp"
#include "properties/distribution.hpp"
#include "properties/philox.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// The distribution that a tensor is drawn from in a case.
distribution_id distribution_for(const tensor_spec& tensor, const case_id& id) {
  if (tensor.how == drawn::by_case) return id.distribution;
  const std::string& name = id.distribution.name;
  if (name == "special" || name == "exact" || name == "constant") return id.distribution;
  if (name == "patterns") return {"constant", {{"value", 1}}};
  return {"normal", {}};
}

double drawn_slope(element_stream& from) {
  if (from.below(16) == 0) return 0;
  const double mantissa = 1 + from.below(0x800000) * 0x1p-23;
  return std::ldexp(mantissa, -1 - int(from.below(8)));
}

}  // namespace

std::vector<double> drawn_input(const contract& c, const case_id& id, std::size_t input) {
  const tensor_spec& spec = c.inputs[input];
  std::uint64_t count = 1;
  for (std::int64_t extent : shape_of(spec, id)) count *= std::uint64_t(extent);
  std::vector<double> values(count);
  const auto draw = [&](const auto& from) {
    for (std::uint64_t i = 0; i < count; ++i) {
      element_stream stream(id.seed, std::uint32_t(input), i);
      values[i] = from(stream);
    }
    return values;
  };
  if (spec.how == drawn::as_target) {
    const auto choices = std::uint32_t(std::max<std::int64_t>(1, most_of(spec, id)));
    return draw([&](element_stream& from) {
      return from.below(8) == 0 ? -100.0 : double(from.below(choices));
    });
  }
  if (!spec.up_to.empty()) {
    const std::int64_t choices =
        std::max<std::int64_t>(1, most_of(spec, id) + (spec.how == drawn::as_length));
    return draw([&](element_stream& from) { return double(from.below(std::uint32_t(choices))); });
  }
  if (spec.how == drawn::as_flag)
    return draw([](element_stream& from) { return double(from.below(2)); });
  if (spec.how == drawn::as_slope) return draw(drawn_slope);
  const distribution from(distribution_for(spec, id));
  for (std::uint64_t i = 0; i < count; ++i)
    values[i] = from.element({id.seed, std::uint32_t(input), i, count, id.types[input].type});
  return values;
}

case_inputs make_inputs(const contract& c, const case_id& id) {
  case_inputs inputs;
  inputs.id = id;
  for (std::size_t t = 0; t < c.inputs.size(); ++t) inputs.values.push_back(drawn_input(c, id, t));
  for (const parameter_spec& parameter : c.parameters)
    inputs.parameters.push_back(parameter_value(
        parameter, value_of(id.shape, parameter.name, parameter.otherwise).as_double()));
  if (c.finish_inputs) c.finish_inputs(inputs);
  return inputs;
}

}  // namespace assay::properties
