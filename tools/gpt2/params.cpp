// gpt2 params: what a model is made of, module by module, and which tensors are on the way.

#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/model_folder.hpp"
#include "tools/gpt2/plan.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace assay::gpt2 {
namespace {

// What a parameter costs: multiplications and additions for a token that comes through it. A lookup
// has none; a head that is tied is used once more.
struct parameter_row {
  reference::gpt2_parameter of;
  double flops = 0;
};

std::vector<parameter_row> rows_of(const gpt2_config& config) {
  std::vector<parameter_row> rows;
  for (const reference::gpt2_parameter& each : parameters_of(config)) {
    const bool looked_up = each.name == "wte.weight" || each.name == "wpe.weight";
    const bool matrix = each.extents.rank() == 2 && !looked_up;
    rows.push_back({each, matrix ? 2.0 * double(each.extents.count()) : 0});
  }
  if (config.tied)
    rows.push_back({{"lm_head.weight (wte.weight)", {config.vocabulary, config.channels}},
                    2.0 * double(config.vocabulary * config.channels)});
  return rows;
}

struct params_options {
  std::string folder;
  bool trace = false;
  plan_settings pass{.length = 0};
};

nlohmann::json json_of(const parameter_row& row, bool shared) {
  const auto extents = row.of.extents.extents();
  return {{"name", row.of.name},
          {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
          {"count", row.of.extents.count()},
          {"shared", shared},
          {"flops_per_token", row.flops}};
}

void show_parameters(const gpt2_config& config, nlohmann::json& to, bool as_json) {
  std::int64_t total = 0, with_head = 0;
  double flops = 0;
  tools::table shown({"parameter", "shape", "count", "fp32 bytes", "FLOPs a token"});
  nlohmann::json all = nlohmann::json::array();
  for (const parameter_row& each : rows_of(config)) {
    const std::int64_t count = each.of.extents.count();
    const bool shared = each.of.name.find(' ') != std::string::npos;
    with_head += count;
    if (!shared) total += count;
    flops += each.flops;
    all.push_back(json_of(each, shared));
    shown.add({each.of.name, each.of.extents.text(), fmt::format("{}", count),
               shared ? "0" : fmt::format("{}", 4 * count), fmt::format("{:.0f}", each.flops)});
  }
  to = {{"parameters", all},
        {"total", total},
        {"total_with_head", with_head},
        {"fp32_bytes", 4 * total},
        {"flops_per_token", flops}};
  if (as_json) return;
  fmt::print("{}\n{} parameters", shown.text(), total);
  if (with_head != total) fmt::print(" ({} counted with the head)", with_head);
  fmt::print(", {} bytes in fp32, {:.0f} FLOPs a token without attention's scores\n", 4 * total,
             flops);
}

// Every tensor that the forward pass makes, in its order.
void show_trace(const plan& pass, nlohmann::json& to, bool as_json) {
  tools::table shown({"operation", "function", "output", "shape", "dtype", "bytes"});
  nlohmann::json all = nlohmann::json::array();
  std::int64_t bytes = 0;
  for (const operation& of : pass.operations)
    for (const operand& each : of.outputs) {
      const planned_value& value = pass.values.at(each.value);
      bytes += value.bytes();
      all.push_back({{"operation", of.name},
                     {"function", of.function},
                     {"output", each.value},
                     {"shape", value.shape},
                     {"dtype", name_of(value.type)}});
      shown.add({of.name, of.function, each.value, fmt::format("{}", value.shape),
                 std::string(name_of(value.type)), fmt::format("{}", value.bytes())});
    }
  to["trace"] = all;
  to["activation_bytes"] = bytes;
  if (as_json) return;
  fmt::print("\n{}\n{} bytes of activations, all of which a backward pass needs\n", shown.text(),
             bytes);
}

int run_params(params_options chosen, const common_options& common) {
  const gpt2_config config = read_config(chosen.folder);
  nlohmann::json all;
  show_parameters(config, all, common.json);
  if (chosen.trace) {
    if (chosen.pass.length == 0) chosen.pass.length = config.context;
    show_trace(planned(config, chosen.pass), all, common.json);
  }
  if (common.json) fmt::print("{}\n", all.dump());
  return tools::k_good;
}

}  // namespace

void add_params(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<params_options>();
  CLI::App* const sub =
      app.add_subcommand("params", "Parameters by module: shapes, counts, bytes, FLOPs a token.");
  sub->add_option("FOLDER", chosen->folder, "config.json is read, and nothing else")->required();
  sub->add_flag("--trace", chosen->trace, "also the shape of every tensor on the way");
  sub->add_option("--batch", chosen->pass.batch, "sequences on that way")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--length", chosen->pass.length, "their tokens; the context if 0")
      ->check(CLI::NonNegativeNumber);
  add_dtype_option(*sub, chosen->pass.type);
  sub->callback([chosen, &common, &status] { status = run_params(*chosen, common); });
}

}  // namespace assay::gpt2
