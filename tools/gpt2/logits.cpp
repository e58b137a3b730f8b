// gpt2 logits, gpt2 loss: a model on given tokens.

#include "properties/bad_input.hpp"
#include "properties/safetensors.hpp"
#include "properties/staged_call.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine.hpp"
#include "tools/gpt2/engine_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace assay::gpt2 {
namespace {

struct run_options {
  std::string folder, out;
  token_options from;
  engine_options by;
};

void add_run_options(CLI::App& sub, run_options& chosen, const char* in, const char* out) {
  sub.add_option("FOLDER", chosen.folder, "config.json and model.safetensors")->required();
  add_token_options(sub, chosen.from, in);
  sub.add_option("--out", chosen.out, out)->type_name("FILE");
  add_engine_options(sub, chosen.by);
}

properties::stored_tensor stored(const std::string& name, std::vector<std::int64_t> shape,
                                 std::span<const double> values) {
  return {name, dtype::fp64, std::move(shape),
          properties::encoded(dtype::fp64, {values.begin(), values.end()})};
}

int run_logits(const run_options& chosen, const common_options& common) {
  const model of = read_model(chosen.folder);
  const token_file in = sequences_of(chosen.from, false);
  check_tokens(in.tokens, of.config);
  const std::vector<double> logits = make_engine(chosen.by, of)->logits(in.tokens);
  const std::vector<std::int64_t> shape = {in.tokens.batch(), in.tokens.length,
                                           of.config.vocabulary};
  if (!chosen.out.empty())
    properties::write_safetensors(chosen.out,
                                  {{stored("logits", shape, logits)}, {{"on", chosen.by.on}}});
  if (common.json)
    fmt::print("{}\n", nlohmann::json({{"on", chosen.by.on}, {"shape", shape}}).dump());
  else
    fmt::print("logits of {} sequences of {} tokens, on {}\n", shape[0], shape[1], chosen.by.on);
  return tools::k_good;
}

int run_loss(const run_options& chosen, const common_options& common) {
  const model of = read_model(chosen.folder);
  const token_file in = sequences_of(chosen.from, true);
  check_tokens(in.tokens, of.config);
  check_targets(in.targets, of.config);
  const loss_result result =
      make_engine(chosen.by, of)->loss(in.tokens, in.targets, !chosen.out.empty());
  if (!chosen.out.empty()) {
    properties::tensor_file file{{stored("loss", {1}, std::span(&result.loss, 1))},
                                 {{"on", chosen.by.on}}};
    for (const auto& [name, gradient] : result.gradients) {
      const auto extents = gradient.extents().extents();
      file.tensors.push_back(
          stored("gradient." + name, {extents.begin(), extents.end()}, gradient.elements()));
    }
    properties::write_safetensors(chosen.out, file);
  }
  if (common.json)
    fmt::print("{}\n", nlohmann::json({{"on", chosen.by.on},
                                       {"loss", result.loss},
                                       {"perplexity", std::exp(result.loss)}})
                           .dump());
  else
    fmt::print("loss {:.6f}, perplexity {:.4g}, on {}\n", result.loss, std::exp(result.loss),
               chosen.by.on);
  return tools::k_good;
}

}  // namespace

void add_logits(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<run_options>();
  CLI::App* const sub = app.add_subcommand("logits", "The logits of given tokens.");
  add_run_options(*sub, *chosen, "tokens, int32 [B, T]",
                  "safetensors file for logits, F64 [B, T, V]");
  sub->callback([chosen, &common, &status] { status = run_logits(*chosen, common); });
}

void add_loss(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<run_options>();
  CLI::App* const sub =
      app.add_subcommand("loss", "The mean cross-entropy of given tokens, and its gradients.");
  add_run_options(*sub, *chosen,
                  "tokens and targets, int32 [B, T]; targets below 0 count "
                  "nothing",
                  "safetensors file for loss and gradient.NAME of every parameter, F64");
  sub->callback([chosen, &common, &status] { status = run_loss(*chosen, common); });
}

}  // namespace assay::gpt2
