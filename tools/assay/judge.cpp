// assay judge: outputs that another program computed, held to the bound of an implementation.

#include "properties/bad_input.hpp"
#include "properties/judgement.hpp"
#include "properties/nearest.hpp"
#include "properties/staged_call.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/run.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace assay::tools {
namespace {

using namespace properties;

struct judge_options {
  run_options of;
  std::string got;
};

const implementation& implementation_named(const contract& c, const std::string& name) {
  if (const implementation* const found = c.find(name)) return *found;
  std::vector<std::string> names;
  for (const implementation& each : c.implementations) names.push_back(each.name);
  throw bad_input("{} has no implementation '{}'; {}", c.function(), name, suggestion(name, names));
}

// An output as the case has it; throws bad_input.
void check_output(const stored_tensor& given, dtype type, const std::vector<std::int64_t>& shape) {
  if (given.type != type)
    throw bad_input("tensor '{}' is {}; expected {}", given.name, name_of(given.type),
                    name_of(type));
  if (given.shape != shape)
    throw bad_input("tensor '{}' is [{}]; expected [{}]", given.name, fmt::join(given.shape, ", "),
                    fmt::join(shape, ", "));
}

std::vector<std::int64_t> shape_of_output(const contract& c, const case_inputs& inputs,
                                          const tensor_file& in, std::size_t k) {
  if (c.elementwise && c.outputs[k].shape == c.inputs[0].shape)
    return in.at(c.inputs[0].name).shape;
  return shape_of(c.outputs[k], inputs.id);
}

// Values by output; none where the file has no such tensor.
std::vector<std::optional<std::vector<double>>> read_outputs(const contract& c,
                                                             const case_inputs& inputs,
                                                             const tensor_file& in,
                                                             const std::string& path) {
  const tensor_file file = read_safetensors(path);
  std::vector<std::optional<std::vector<double>>> outputs(c.outputs.size());
  std::vector<std::string> names;
  for (const tensor_spec& each : c.outputs) names.push_back(each.name);
  try {
    for (const stored_tensor& given : file.tensors) {
      const auto at = std::find(names.begin(), names.end(), given.name);
      if (at == names.end())
        throw bad_input("{} has no output '{}'; {}", c.function(), given.name,
                        suggestion(given.name, names));
      const std::size_t k = std::size_t(at - names.begin());
      check_output(given, inputs.id.types[c.inputs.size() + k].type,
                   shape_of_output(c, inputs, in, k));
      outputs[k] = decoded(given.type, given.bytes);
    }
    if (file.tensors.empty()) throw bad_input("holds no output");
  } catch (const bad_input& wrong) {
    throw bad_input("{}: {}", path, wrong.what());
  }
  return outputs;
}

// The verdicts on what was given. Another program's arithmetic is not what the statistical test
// knows the scatter of: the strict bound judges alone.
std::vector<std::pair<std::size_t, output_verdict>> verdicts_on(
    const prepared_case& prepared, const implementation& by,
    const std::vector<std::optional<std::vector<double>>>& given) {
  std::vector<std::vector<double>> outputs;
  for (std::size_t k = 0; k < given.size(); ++k)
    outputs.push_back(given[k].value_or(prepared.exact[k].value));
  judging how;
  how.scatter = false;
  const std::vector<output_verdict> all = judge(prepared, by, outputs, how);
  std::vector<std::pair<std::size_t, output_verdict>> found;
  for (std::size_t k = 0; k < given.size(); ++k)
    if (given[k]) found.emplace_back(k, all[k]);
  return found;
}

int judge_file(const judge_options& chosen, bool as_json) {
  const contract& c = contract_named(chosen.of.function);
  refuse_unknown_parameters(c, chosen.of.parameters);
  const implementation& by = implementation_named(c, chosen.of.implementation);
  tensor_file in;
  const case_inputs inputs = read_inputs(c, chosen.of, in);
  const auto given = read_outputs(c, inputs, in, chosen.got);
  const prepared_case prepared{&c, inputs, c.exact(inputs)};
  const auto verdicts = verdicts_on(prepared, by, given);

  int status = k_good;
  nlohmann::json outputs = nlohmann::json::array();
  table told({"output", "elements", "judged", "of bound", "max ULP", "outcome"});
  for (const auto& [k, verdict] : verdicts) {
    const properties::verdict& strict = verdict.strict;
    if (!strict.passed()) status = k_wrong;
    outputs.push_back(to_json(verdict, c.outputs[k], inputs.id));
    told.add(
        {verdict.tensor, std::to_string(strict.elements), std::to_string(strict.judged),
         fmt::format("{:.3f}", strict.worst_fraction), fmt::format("{:.4g}", strict.worst_ulps),
         strict.passed() ? "passed" : "failed: " + strict.reason},
        strict.passed() ? tone::plain : tone::bad);
  }
  if (as_json)
    fmt::print("{}\n",
               nlohmann::json{
                   {"function", c.function()}, {"implementation", by.name}, {"outputs", outputs}}
                   .dump(1));
  else
    fmt::print("{}", told.text());
  return status;
}

}  // namespace

void add_judge(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<judge_options>();
  chosen->of.on = "elsewhere";
  CLI::App* const sub = app.add_subcommand(
      "judge", "Holds outputs of another program to the bound of an implementation.");
  sub->add_option("FUNCTION", chosen->of.function, "component.variant.direction")->required();
  sub->add_option("--impl", chosen->of.implementation, "whose numerics the outputs claim to have")
      ->required()
      ->type_name("NAME");
  sub->add_option("--in", chosen->of.in, "safetensors file with the inputs, as assay run takes it")
      ->required()
      ->type_name("FILE");
  sub->add_option("--got", chosen->got, "safetensors file with the outputs, or some of them")
      ->required()
      ->type_name("FILE");
  add_case_options(*sub, chosen->of);
  sub->footer(
      "Exit status: 1 where an element is out of its bound.\n\n"
      "Example:\n  assay judge attention.causal.fwd --impl flash_mma --in qkv.safetensors --got "
      "o.safetensors --json");
  sub->callback([chosen, &common, &status] { status = judge_file(*chosen, common.json); });
}

}  // namespace assay::tools
