// gpt2 init: a model with random parameters.

#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/initial_weights.hpp"

#include <CLI/CLI.hpp>

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

}  // namespace assay::gpt2
