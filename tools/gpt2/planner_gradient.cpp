#include "tools/gpt2/planner.hpp"

namespace assay::gpt2 {

using reference::gpt2_activation;
using reference::name_in_block;

std::string planner::gradient_of(const std::string& value) {
  const std::string name = "d." + value;
  if (!plan_.values.contains(name)) {
    const planned_value& of = plan_.values.at(value);
    add_value(name, of.shape, of.type, value_role::activation);
  }
  return name;
}

std::string planner::gradient_of_parameter(const std::string& parameter, dtype type) {
  const std::string name = "gradient." + parameter;
  add_value(name, plan_.values.at(parameter).shape, type, value_role::gradient);
  return name;
}

void planner::add_backward() {
  lose();
  head_back(into_head_);
  if (config_.norms) normalize_back("ln_f", into_norm_, "");
  if (config_.final_activation)
    activate_back(config_.activation, config_.layers > 0 ? into_norm_ : "embedding", "active");
  for (std::int64_t layer = config_.layers; layer-- > 0;)
    block_back(layer, into_block_[std::size_t(layer)]);
  embed_back();
}

void planner::lose() {
  add_value("targets", {by_.batch, by_.length}, dtype::int32, value_role::input);
  add_value("losses", {by_.batch, by_.length}, dtype::fp32, value_role::activation);
  add_value("loss", {}, dtype::fp32, value_role::activation);
  const std::string gradient = gradient_of("logits");
  add_operation("loss", "cross_entropy.mean.bwd", {rows("logits"), flat("targets")},
                {rows(gradient), flat("losses"), whole("loss")}, {0, 1});
}

void planner::head_back(const std::string& x) {
  const std::string w = config_.tied ? "wte.weight" : "lm_head.weight";
  std::string dw = gradient_of_parameter(w, by_.type);
  if (config_.tied) {  // what the lookup adds to it comes last
    dw = "d.head";
    add_value(dw, plan_.values.at(w).shape, by_.type, value_role::gradient);
  }
  add_operation("d.head", "linear.tied.bwd", {rows(x), whole(w), rows("d.logits")},
                {rows(gradient_of(x)), whole(dw)});
}

// `beside`: a gradient of x that came past the norm, or none.
void planner::normalize_back(const std::string& norm, const std::string& x,
                             const std::string& beside) {
  const std::string dy = gradient_of(norm), dx = gradient_of(x);
  std::vector<operand> inputs = {rows(dy), rows(x), whole(norm + ".weight"), flat(norm + ".mean"),
                                 flat(norm + ".rstd")};
  if (!beside.empty()) inputs.push_back(rows(beside));
  add_operation("d." + norm, beside.empty() ? "layer_norm.plain.bwd" : "layer_norm.residual.bwd",
                std::move(inputs),
                {rows(dx), whole(gradient_of_parameter(norm + ".weight", dtype::fp32)),
                 whole(gradient_of_parameter(norm + ".bias", dtype::fp32))});
}

void planner::linear_back(const std::string& layer, const std::string& x, const std::string& y) {
  add_operation("d." + layer, "linear.bias.bwd",
                {rows(x), whole(layer + ".weight"), rows(gradient_of(y))},
                {rows(gradient_of(x)), whole(gradient_of_parameter(layer + ".weight", by_.type)),
                 whole(gradient_of_parameter(layer + ".bias", by_.type))});
}

void planner::attend_back(std::int64_t layer) {
  const std::string qkv = name_in_block(layer, "qkv"), o = name_in_block(layer, "joined"),
                    lse = name_in_block(layer, "lse");
  std::vector<operand> inputs = heads_of(qkv);
  inputs.insert(inputs.end(), {joined(o), whole(lse), joined(gradient_of(o))});
  add_operation("d." + name_in_block(layer, "attention"), "attention.causal.bwd", std::move(inputs),
                heads_of(gradient_of(qkv)), {0});
}

void planner::activate_back(gpt2_activation by, const std::string& x, const std::string& y) {
  add_operation("d." + y, function_of(by) + ".bwd", {flat(x), flat(gradient_of(y))},
                {flat(gradient_of(x))});
}

void planner::block_back(std::int64_t layer, const std::string& x) {
  const auto name = [&](const char* rest) { return name_in_block(layer, rest); };
  const auto beside = [&](const std::string& out) {
    return config_.residuals ? gradient_of(out) : std::string();
  };
  const std::string between = config_.attention ? name("x_at") : x;
  if (config_.feed_forward) {
    linear_back(name("mlp.c_proj"), name("active"), name("x_ff"));
    activate_back(config_.activation_of(layer), name("hidden"), name("active"));
    linear_back(name("mlp.c_fc"), config_.norms ? name("ln_2") : between, name("hidden"));
    if (config_.norms) normalize_back(name("ln_2"), between, beside(name("x_ff")));
  }
  if (config_.attention) {
    linear_back(name("attn.c_proj"), name("joined"), name("x_at"));
    attend_back(layer);
    linear_back(name("attn.c_attn"), config_.norms ? name("ln_1") : x, name("qkv"));
    if (config_.norms) normalize_back(name("ln_1"), x, beside(name("x_at")));
  }
}

void planner::embed_back() {
  const std::string lookup =
      config_.tied ? "d.lookup" : gradient_of_parameter("wte.weight", by_.type);
  if (config_.tied)
    add_value(lookup, plan_.values.at("wte.weight").shape, by_.type, value_role::gradient);
  std::string positions = "d.no_positions";
  if (config_.positions)
    positions = gradient_of_parameter("wpe.weight", by_.type);
  else
    add_value(positions, plan_.values.at("no_positions").shape, by_.type, value_role::activation);
  add_operation("d.embedding", "embedding.tokens.bwd",
                {whole(gradient_of("embedding")), whole("tokens")},
                {whole(lookup), whole(positions)});
  if (config_.tied)
    add_operation("d.wte", "addition.pair.fwd", {flat("d.head"), flat(lookup)},
                  {flat("gradient.wte.weight")});
}

}  // namespace assay::gpt2
