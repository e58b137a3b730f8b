// assay run: a function on tensors from a file, so that any other implementation can be held
// against the reference, the emulator or a GPU.

#include "tools/assay/run.hpp"

#include "optimized/simt/error.hpp"
#include "properties/bad_input.hpp"
#include "properties/harness.hpp"
#include "properties/safetensors.hpp"
#include "properties/staged_call.hpp"
#include "properties/values.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
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

}  // namespace

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

namespace {

case_inputs inputs_from(const contract& c, const tensor_file& file) {
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
  for (const auto& [name, size] : dimensions_of(c, tensors))
    inputs.id.shape.push_back({name, size});
  require_memory(c, inputs.id);
  for (const stored_tensor* tensor : tensors)
    inputs.values.push_back(decoded(tensor->type, tensor->bytes));
  return inputs;
}

// Empty: the reference's.
std::string implementation_of(const contract& c, const run_options& chosen) {
  if (chosen.on == "reference") return "";
  return chosen.implementation.empty() ? c.implementations.front().name : chosen.implementation;
}

// Kernels take what their declarations say; an unknown one is found out later.
void refuse_what_the_kernel_declines(const contract& c, const case_inputs& inputs,
                                     const std::string& by) {
  const implementation* const kernel = c.find(by);
  if (!kernel || !kernel->declines) return;
  if (const std::string why = kernel->declines(inputs.id); !why.empty())
    throw bad_input("'{}' does not take these tensors: {}", by, why);
}

std::vector<std::vector<double>> computed(const contract& c, const case_inputs& inputs,
                                          const run_options& chosen) {
  if (chosen.on != "reference") {
    run_settings settings;
    settings.time_limit_seconds = chosen.time_limit;
    return outputs_of({inputs.id, implementation_of(c, chosen), chosen.on, 0}, inputs, settings);
  }
  std::vector<std::vector<double>> outputs;
  const std::vector<truth> exact = c.exact(inputs);
  for (std::size_t k = 0; k < exact.size(); ++k) {
    const dtype type = inputs.id.types[c.inputs.size() + k].type;
    std::vector<double> values = exact[k].value;
    for (std::size_t i = 0; i < values.size() && !chosen.unrounded; ++i)
      values[i] = exact[k].rounded.empty() ? round_to(type, values[i]) : exact[k].rounded[i];
    outputs.push_back(std::move(values));
  }
  return outputs;
}

}  // namespace

case_inputs read_inputs(const contract& c, const run_options& chosen, tensor_file& file) {
  file = read_safetensors(chosen.in);
  try {
    case_inputs inputs = inputs_from(c, file);
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

namespace {

void compute_and_write(const contract& c, const run_options& chosen) {
  tensor_file file;
  const case_inputs inputs = read_inputs(c, chosen, file);
  const std::vector<std::vector<double>> outputs = computed(c, inputs, chosen);
  tensor_file result;
  result.metadata = {{"function", c.function()}, {"on", chosen.on}};
  if (chosen.on != "reference") result.metadata["implementation"] = implementation_of(c, chosen);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const dtype type = chosen.unrounded ? dtype::fp64 : inputs.id.types[c.inputs.size() + k].type;
    std::vector<std::int64_t> shape = shape_of(c.outputs[k], inputs.id);
    if (c.elementwise && c.outputs[k].shape == c.inputs[0].shape)
      shape = file.at(c.inputs[0].name).shape;
    result.tensors.push_back({c.outputs[k].name, type, shape, encoded(type, outputs[k])});
  }
  write_safetensors(chosen.out, result);
}

// A kernel runs in a process of its own: it may crash or hang.
int run_kernel(const contract& c, const run_options& chosen) {
  const auto handler = [&](const nlohmann::json&) -> nlohmann::json {
    try {
      compute_and_write(c, chosen);
      return "";
    } catch (const simt::error& problem) {
      return problem.what();
    }
  };
  const job_result result = run_in_process({}, process_limit(chosen.time_limit), handler);
  const bool returned = result.how == job_result::end::returned;
  const std::string wrong = returned ? result.value.get<std::string>() : result.death;
  if (wrong.empty()) return k_good;
  complain(fmt::format("{} on {}: {}", c.function(), chosen.on, wrong));
  return k_crashed;
}

int run_function(const run_options& chosen) {
  const contract& c = contract_named(chosen.function);
  if (chosen.unrounded && chosen.on != "reference")
    throw bad_input("--unrounded is the reference's, not the {}'s", chosen.on);
  if (!chosen.implementation.empty() && chosen.on == "reference")
    throw bad_input("--impl names a kernel, and the reference is none: --on emulator or cuda");
  refuse_unknown_parameters(c, chosen.parameters);
  if (chosen.on == "reference") {
    compute_and_write(c, chosen);
    return k_good;
  }
  if (chosen.on != "emulator" && chosen.on != "cuda")
    throw bad_input("unknown backend '{}'; there are: reference, emulator, cuda", chosen.on);
  if (chosen.on == "cuda" && !cuda_is_there()) return k_device_absent;
  return run_kernel(c, chosen);
}

}  // namespace

void add_run(CLI::App& app, const common_options&, int& status) {
  auto chosen = std::make_shared<run_options>();
  CLI::App* const sub =
      app.add_subcommand("run", "Computes a function on tensors from a safetensors file.");
  sub->add_option("FUNCTION", chosen->function, "component.variant.direction, such as gelu.erf.fwd")
      ->required();
  sub->add_option("--in", chosen->in,
                  "safetensors file with the inputs, named as assay list --json names them")
      ->required()
      ->type_name("FILE");
  sub->add_option("--out", chosen->out, "safetensors file to write the outputs to")
      ->required()
      ->type_name("FILE");
  sub->add_option("--on", chosen->on, "reference, emulator or cuda")->capture_default_str();
  sub->add_option("--impl", chosen->implementation,
                  "the kernel; the first that is listed otherwise")
      ->type_name("NAME");
  sub->add_option("--param", chosen->parameters, "a parameter, such as alpha=0.5")
      ->type_name("NAME=VALUE");
  sub->add_option("--time-limit", chosen->time_limit, "seconds that a kernel may take")
      ->capture_default_str()
      ->check(seconds());
  sub->add_flag("--unrounded", chosen->unrounded,
                "the reference's truth as F64 instead of correctly rounded");
  sub->footer(
      "Examples:\n  assay run gelu.erf.fwd --in x.safetensors --out y.safetensors\n"
      "  assay run gelu.scaled.bwd --in in.safetensors --out out.safetensors --on emulator --param "
      "alpha=1.702\n"
      "  assay run attention.window.fwd --in qkv.safetensors --out o.safetensors --param left=255 "
      "--param right=0");
  sub->callback([chosen, &status] { status = run_function(*chosen); });
}

}  // namespace assay::tools
