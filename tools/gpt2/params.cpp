// gpt2 params: what a model is made of, module by module; gpt2 init: one with random parameters.

#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/initial_weights.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace assay::gpt2 {
namespace {

struct init_options {
  std::string folder, like, activation = "gelu_tanh", type = "fp32";
  gpt2_config sizes;
  std::int64_t hidden = 0;
  int ladder = 5;
  bool untied = false;
  std::uint64_t seed = 0;
};

const std::map<std::string, reference::gpt2_activation> k_activations = {
    {"gelu_tanh", reference::gpt2_activation::gelu_tanh},
    {"gelu_erf", reference::gpt2_activation::gelu_erf},
    {"relu", reference::gpt2_activation::relu}};

int run_init(const init_options& chosen) {
  gpt2_config config = chosen.sizes;
  config.hidden = chosen.hidden > 0 ? chosen.hidden : 4 * config.channels;
  config.tied = !chosen.untied;
  config.activation = k_activations.at(chosen.activation);
  try {
    config = gpt2_config::ladder(chosen.ladder, config);
    config.check();
  } catch (const reference::shape_error& wrong) {
    throw bad_input("{}", wrong.what());
  }
  write_model(chosen.folder, initial_model(config, chosen.seed, *dtype_named(chosen.type)));
  return tools::k_good;
}

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

int run_params(const std::string& folder, const common_options& common) {
  const gpt2_config config = read_config(folder);
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
    const auto extents = each.of.extents.extents();
    all.push_back({{"name", each.of.name},
                   {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
                   {"count", count},
                   {"shared", shared},
                   {"flops_per_token", each.flops}});
    shown.add({each.of.name, each.of.extents.text(), fmt::format("{}", count),
               shared ? "0" : fmt::format("{}", 4 * count), fmt::format("{:.0f}", each.flops)});
  }
  if (common.json) {
    fmt::print("{}\n", nlohmann::json({{"parameters", all},
                                       {"total", total},
                                       {"total_with_head", with_head},
                                       {"fp32_bytes", 4 * total},
                                       {"flops_per_token", flops}})
                           .dump());
    return tools::k_good;
  }
  fmt::print("{}\n{} parameters", shown.text(), total);
  if (with_head != total) fmt::print(" ({} counted with the head)", with_head);
  fmt::print(", {} bytes in fp32, {:.0f} FLOPs a token without attention's scores\n", 4 * total,
             flops);
  return tools::k_good;
}

}  // namespace

void add_init(CLI::App& app, const common_options&, int& status) {
  auto chosen = std::make_shared<init_options>();
  CLI::App* const sub = app.add_subcommand("init", "A model with random parameters.");
  sub->add_option("FOLDER", chosen->folder, "written to; made where there is none")->required();
  gpt2_config& sizes = chosen->sizes;
  sub->add_option("--vocabulary", sizes.vocabulary, "tokens")->capture_default_str();
  sub->add_option("--context", sizes.context, "positions")->capture_default_str();
  sub->add_option("--channels", sizes.channels, "width of the embedding")->capture_default_str();
  sub->add_option("--layers", sizes.layers, "blocks")->capture_default_str();
  sub->add_option("--heads", sizes.heads, "of each block; they divide the channels")
      ->capture_default_str();
  sub->add_option("--hidden", chosen->hidden,
                  "of the feed-forward part; 4 times the channels if 0");
  sub->add_option("--activation", chosen->activation, "gelu_tanh, gelu_erf or relu")
      ->check(CLI::IsMember(k_activations))
      ->capture_default_str();
  sub->add_option("--relu-layers", sizes.relu_layers, "so many blocks, the first, have ReLU");
  sub->add_option("--ladder", chosen->ladder, "step 1 to 5: which parts there are; 5 is GPT-2")
      ->capture_default_str();
  sub->add_flag("--untied", chosen->untied, "a head of its own");
  sub->add_option("--dtype", chosen->type, "fp32, bf16, fp16 or fp64")
      ->check(CLI::IsMember({"fp32", "bf16", "fp16", "fp64"}))
      ->capture_default_str();
  sub->add_option("--seed", chosen->seed, "of the numbers")
      ->check(tools::whole_number())
      ->capture_default_str();
  sub->callback([chosen, &status] { status = run_init(*chosen); });
}

void add_params(CLI::App& app, const common_options& common, int& status) {
  auto folder = std::make_shared<std::string>();
  CLI::App* const sub =
      app.add_subcommand("params", "Parameters by module: shapes, counts, bytes, FLOPs a token.");
  sub->add_option("FOLDER", *folder, "config.json is read, and nothing else")->required();
  sub->callback([folder, &common, &status] { status = run_params(*folder, common); });
}

}  // namespace assay::gpt2
