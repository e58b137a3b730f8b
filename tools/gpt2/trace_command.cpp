// gpt2 trace: which operation the error comes from.

#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/kernel_engine.hpp"
#include "tools/gpt2/trace.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace assay::gpt2 {
namespace {

struct trace_options {
  std::string folder;
  token_options from;
  engine_options by{.on = "emulator"};
  bool backward = false;
};

nlohmann::json json_of(const traced_operation& of) {
  nlohmann::json outputs = nlohmann::json::array();
  for (const traced_output& each : of.outputs) {
    nlohmann::json one = {{"value", each.value}, {"fraction", each.fraction}};
    if (each.unjudged > 0) one["unjudged"] = each.unjudged;
    if (each.added >= 0) one["added"] = each.added;
    if (each.inherited >= 0) one["inherited"] = each.inherited;
    if (!each.reason.empty()) one["reason"] = each.reason;
    outputs.push_back(one);
  }
  return {{"operation", of.name},
          {"function", of.function},
          {"implementation", of.implementation},
          {"passed", of.passed()},
          {"outputs", outputs}};
}

std::string relative(double error) { return error < 0 ? "" : fmt::format("{:.2e}", error); }

void print_table(const std::vector<traced_operation>& all) {
  tools::table shown({"operation", "function", "kernel", "output", "of the bound", "added",
                      "inherited", "unjudged"});
  for (const traced_operation& of : all)
    for (const traced_output& each : of.outputs)
      shown.add(
          {of.name, of.function, of.implementation, each.value,
           fmt::format("{:.3f}", each.fraction), relative(each.added), relative(each.inherited),
           each.unjudged > 0 ? fmt::format("{} of {}", each.unjudged, each.elements) : ""},
          each.reason.empty() ? tools::tone::plain : tools::tone::bad);
  fmt::print("{}", shown.text());
}

// Nothing where everything was judged.
std::string told_of_unjudged(const std::vector<traced_operation>& all) {
  std::int64_t count = 0;
  for (const traced_operation& of : all)
    for (const traced_output& each : of.outputs) count += each.unjudged;
  if (count == 0) return "";
  return fmt::format("; {} elements have none, or are outside of what their kernels promise",
                     count);
}

int run_trace(const trace_options& chosen, const common_options& common) {
  if (chosen.by.on == "reference") throw bad_input("a trace is of kernels: --on emulator or cuda");
  const model of = read_model(chosen.folder);
  const token_file in = sequences_of(chosen.from, chosen.backward);
  check_tokens(in.tokens, of.config);
  check_targets(in.targets, of.config);
  model rounded = of;  // what the kernels are given is what the reference computes with
  round_parameters(rounded, chosen.by.type);
  executor by = loaded(rounded, in.tokens, in.targets, chosen.backward, chosen.by.type,
                       execution_of(chosen.by));
  const weights truth = reference_values(rounded, in.tokens, in.targets, chosen.backward);
  tools::watch_interrupts();
  tools::progress shown("operations", by.of().operations.size());
  std::uint64_t done = 0;
  const std::vector<traced_operation> all = traced(by, truth, [&](const traced_operation& each) {
    shown.show(++done, each.name);
    return !tools::interrupted();
  });
  const auto wrong =
      std::find_if(all.begin(), all.end(), [](const auto& o) { return !o.passed(); });
  if (common.json) {
    nlohmann::json operations = nlohmann::json::array();
    for (const traced_operation& each : all) operations.push_back(json_of(each));
    nlohmann::json result = {
        {"on", chosen.by.on}, {"dtype", name_of(chosen.by.type)}, {"operations", operations}};
    if (wrong != all.end()) result["first_outside"] = wrong->name;
    fmt::print("{}\n", result.dump());
  } else {
    print_table(all);
    if (wrong == all.end())
      fmt::print("\n{} operations, each within its bound{}\n", all.size(), told_of_unjudged(all));
    else
      fmt::print("\nthe first outside its bound: {} ({} by {})\n", wrong->name, wrong->function,
                 wrong->implementation);
  }
  if (tools::interrupted()) return tools::k_interrupted;
  return wrong == all.end() ? tools::k_good : tools::k_wrong;
}

}  // namespace

void add_trace(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<trace_options>();
  CLI::App* const sub =
      app.add_subcommand("trace", "Judges every operation of the model on its own inputs.");
  sub->add_option("FOLDER", chosen->folder, "config.json and model.safetensors")->required();
  add_token_options(*sub, chosen->from, "tokens, int32 [B, T]; and targets for --backward");
  sub->add_flag("--backward", chosen->backward, "the loss and the backward pass too");
  add_engine_options(*sub, chosen->by);
  sub->footer(
      "'added' is the kernel's error on its own inputs, 'inherited' what came with them;\n"
      "both relative to the value, root mean square.");
  sub->callback([chosen, &common, &status] { status = run_trace(*chosen, common); });
}

}  // namespace assay::gpt2
