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

#include <memory>

namespace assay::tools {
namespace {

using namespace properties;

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
  add_case_options(*sub, *chosen);
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
