// The case that a file's tensors make.

#include "properties/bad_input.hpp"
#include "properties/judgement.hpp"
#include "properties/staged_call.hpp"
#include "tools/assay/run.hpp"
#include "tools/assay/selection.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace assay::tools {
namespace {

using namespace properties;

// The dtypes of a signature that begins with the inputs' own.
const std::vector<dtype>& signature_for(const contract& c, const std::vector<dtype>& inputs) {
  for (const auto& types : c.signatures)
    if (std::equal(inputs.begin(), inputs.end(), types.begin())) return types;
  std::string given;
  for (dtype type : inputs) given += (given.empty() ? "" : ", ") + std::string(name_of(type));
  throw bad_input("{} does not take inputs of {} (see assay list {} --json)", c.function(), given,
                  c.component);
}

// Of tensors whose dimensions are others in blocks.
void refuse_other_blocks(const contract& c, const std::vector<const stored_tensor*>& inputs,
                         const std::map<std::string, std::int64_t>& sizes) {
  for (std::size_t t = 0; t < inputs.size(); ++t)
    for (std::size_t d = 0; d < c.inputs[t].shape.size(); ++d) {
      const std::string& name = c.inputs[t].shape[d];
      const named_extent extent = named_extent::of(name);
      if (extent.block == 1) continue;
      const std::int64_t size = sizes.at(extent.dimension), given = inputs[t]->shape[d];
      if (extent.of_size(size) != given)
        throw bad_input("tensor '{}' has {} = {}, and {} = {} makes {}", inputs[t]->name, name,
                        given, extent.dimension, size, extent.of_size(size));
    }
}

// The sizes of the contract's dimensions, from the tensors' shapes. An element-wise function takes
// a tensor of any shape as one of n elements.
std::map<std::string, std::int64_t> dimensions_of(const contract& c,
                                                  const std::vector<const stored_tensor*>& inputs) {
  std::map<std::string, std::int64_t> sizes;
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    const stored_tensor& tensor = *inputs[t];
    std::vector<std::int64_t> shape = tensor.shape;
    if (c.elementwise) shape = {tensor.elements()};
    const std::vector<std::string>& names = c.inputs[t].shape;
    if (shape.size() != names.size())
      throw bad_input("tensor '{}' has rank {}; {} expects {}: [{}]", tensor.name, shape.size(),
                      c.function(), names.size(), fmt::join(names, ", "));
    if (c.elementwise && tensor.shape != inputs[0]->shape)
      throw bad_input("tensors '{}' and '{}' have different shapes", inputs[0]->name, tensor.name);
    for (std::size_t d = 0; d < names.size(); ++d) {
      const named_extent extent = named_extent::of(names[d]);
      if (extent.block != 1) continue;
      const auto [known, is_new] = sizes.emplace(extent.dimension, shape[d] / extent.times);
      const std::int64_t expected = known->second * extent.times;
      if (expected != shape[d])
        throw bad_input("tensor '{}' has {} = {}, and {} elsewhere", tensor.name, names[d],
                        shape[d], expected);
    }
  }
  refuse_other_blocks(c, inputs, sizes);
  return sizes;
}

double parameter_from(const std::vector<std::string>& given, const parameter_spec& spec) {
  for (const std::string& text : given) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || text.substr(0, equals) != spec.name) continue;
    const std::string number = text.substr(equals + 1);
    double value = 0;
    const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
    if (result.ec != std::errc() || result.ptr != number.data() + number.size())
      throw bad_input("parameter {}: '{}' is not a number", spec.name, number);
    return parameter_value(spec, value);
  }
  return parameter_value(spec, spec.otherwise);
}

// A saved failure can be run again: it holds outputs and their truths too. Whatever else is there
// was meant to be an input.
void refuse_unknown_tensors(const contract& c, const tensor_file& file) {
  std::string expected;
  for (const tensor_spec& spec : c.inputs) expected += (expected.empty() ? "" : ", ") + spec.name;
  for (const stored_tensor& tensor : file.tensors) {
    const auto named = [&](const tensor_spec& spec) {
      return tensor.name == spec.name || tensor.name == spec.name + ".truth";
    };
    if (std::none_of(c.inputs.begin(), c.inputs.end(), named) &&
        std::none_of(c.outputs.begin(), c.outputs.end(), named))
      throw bad_input("{} takes no tensor '{}'; expected {}", c.function(), tensor.name, expected);
  }
}

// What --size says of the dimensions that no input has: all of those, and of no other.
void add_sizes(const contract& c, const std::vector<std::string>& given,
               std::map<std::string, std::int64_t>& sizes) {
  for (const std::string& text : given) {
    const std::string name = text.substr(0, text.find('=')),
                      number = text.substr(std::min(name.size() + 1, text.size()));
    if (std::find(c.dimensions.begin(), c.dimensions.end(), name) == c.dimensions.end())
      throw bad_input("{} has no dimension '{}' (--size NAME=N)", c.function(), name);
    std::int64_t size = -1;
    const auto result = std::from_chars(number.data(), number.data() + number.size(), size);
    if (result.ec != std::errc() || result.ptr != number.data() + number.size() || size < 0)
      throw bad_input("--size {}: '{}' is no size", name, number);
    if (!sizes.emplace(name, size).second)
      throw bad_input("--size {}: the inputs tell it, or it is given twice", text);
  }
  for (const std::string& each : c.dimensions)
    if (!sizes.contains(each))
      throw bad_input("the inputs of {} do not tell its '{}': --size {}=N", c.function(), each,
                      each);
}

case_inputs inputs_from(const contract& c, const tensor_file& file,
                        const std::vector<std::string>& more_sizes) {
  refuse_unknown_tensors(c, file);
  std::vector<const stored_tensor*> tensors;
  std::vector<dtype> types;
  for (const tensor_spec& spec : c.inputs) {
    tensors.push_back(&file.at(spec.name));
    types.push_back(tensors.back()->type);
  }
  const std::vector<dtype>& all = signature_for(c, types);
  case_inputs inputs;
  inputs.id = {c.component, c.variant, c.direction, {}, {}, {"normal", {}}, 0};
  std::size_t at = 0;
  for (const auto* specs : {&c.inputs, &c.outputs})
    for (const tensor_spec& spec : *specs) inputs.id.types.push_back({spec.name, all[at++]});
  std::map<std::string, std::int64_t> sizes = dimensions_of(c, tensors);
  add_sizes(c, more_sizes, sizes);
  for (const auto& [name, size] : sizes) inputs.id.shape.push_back({name, size});
  require_memory(c, inputs.id);
  for (const stored_tensor* tensor : tensors)
    inputs.values.push_back(decoded(tensor->type, tensor->bytes));
  return inputs;
}

// Kernels take what their declarations say; an unknown one is found out later.
void refuse_what_the_kernel_declines(const contract& c, const case_inputs& inputs,
                                     const std::string& by) {
  const implementation* const kernel = c.find(by);
  if (!kernel || !kernel->declines) return;
  if (const std::string why = kernel->declines(inputs.id); !why.empty())
    throw bad_input("'{}' does not take these tensors: {}", by, why);
}

}  // namespace

void add_case_options(CLI::App& sub, run_options& chosen) {
  sub.add_option("--param", chosen.parameters, "a parameter, such as alpha=0.5")
      ->type_name("NAME=VALUE");
  sub.add_option("--size", chosen.sizes, "of a dimension that no input has, such as v=50257")
      ->type_name("NAME=N");
}

void refuse_unknown_parameters(const contract& c, const std::vector<std::string>& given) {
  std::set<std::string> names;
  for (const std::string& text : given) {
    const std::string name = text.substr(0, text.find('='));
    if (!names.insert(name).second) throw bad_input("parameter '{}' is given twice", name);
    const bool known = std::any_of(c.parameters.begin(), c.parameters.end(),
                                   [&](const parameter_spec& p) { return p.name == name; });
    if (!known || text.find('=') == std::string::npos)
      throw bad_input("{} has no parameter '{}' (NAME=VALUE)", c.function(), text);
  }
}

std::string implementation_of(const contract& c, const run_options& chosen) {
  if (chosen.on == "reference") return "";
  return chosen.implementation.empty() ? c.implementations.front().name : chosen.implementation;
}

case_inputs read_inputs(const contract& c, const run_options& chosen, tensor_file& file) {
  file = read_safetensors(chosen.in);
  try {
    case_inputs inputs = inputs_from(c, file, chosen.sizes);
    for (const parameter_spec& spec : c.parameters) {
      inputs.parameters.push_back(parameter_from(chosen.parameters, spec));
      inputs.id.shape.push_back({spec.name, inputs.parameters.back()});
    }
    if (const std::string what = misfit(c, inputs.id); !what.empty()) throw bad_input("{}", what);
    if (const std::string why = c.objection ? c.objection(inputs) : ""; !why.empty())
      throw bad_input("{}", why);
    refuse_what_the_kernel_declines(c, inputs, implementation_of(c, chosen));
    return inputs;
  } catch (const bad_input& wrong) {
    throw bad_input("{}: {}", chosen.in, wrong.what());
  }
}

}  // namespace assay::tools
