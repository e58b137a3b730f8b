#include "tools/gpt2/planner.hpp"

#include "properties/bad_input.hpp"

namespace assay::gpt2 {

using reference::gpt2_activation;
using reference::name_in_block;

std::string function_of(gpt2_activation which) {
  if (which == gpt2_activation::relu) return "relu.plain";
  return which == gpt2_activation::gelu_erf ? "gelu.erf" : "gelu.tanh";
}

planner::planner(const reference::gpt2_config& config, const plan_settings& by)
    : config_(config), by_(by) {
  for (const reference::gpt2_parameter& each : parameters_of(config_)) {
    const auto extents = each.extents.extents();
    add_value(each.name, {extents.begin(), extents.end()}, by_.type, value_role::parameter);
  }
  add_value("tokens", {by_.batch, by_.length}, dtype::int32, value_role::input);
  if (by_.capacity == 0) return;
  for (const char* each : {"lengths", "lengths_after"})
    add_value(each, {by_.batch}, dtype::int32, value_role::input);
}

void planner::add_value(const std::string& name, shape extents, dtype type, value_role role) {
  plan_.values.insert_or_assign(name, planned_value{type, std::move(extents), role});
}

void planner::add_operation(std::string name, std::string function, std::vector<operand> inputs,
                            std::vector<operand> outputs, std::vector<double> parameters) {
  plan_.operations.push_back({std::move(name), std::move(function), std::move(inputs),
                              std::move(outputs), std::move(parameters)});
}

operand planner::rows(const std::string& name) const {
  const planned_value& value = plan_.values.at(name);
  const std::int64_t width = value.shape.back();
  return {name, {width > 0 ? value.elements() / width : 0, width}};
}

operand planner::flat(const std::string& name) const {
  return {name, {plan_.values.at(name).elements()}};
}

void planner::add_forward() {
  embed();
  std::string x = "embedding";
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) x = add_block(layer, x);
  if (config_.final_activation) {
    into_norm_ = x;
    activate(config_.activation, x, "active");
    x = "active";
  }
  if (config_.norms) {
    into_norm_ = x;
    x = normalize("ln_f", x);
  }
  into_head_ = x;
  add_activation("logits", sequences(config_.vocabulary));
  add_operation("head", "linear.tied.fwd",
                {rows(x), whole(config_.tied ? "wte.weight" : "lm_head.weight")}, {rows("logits")});
  plan_.forward = plan_.operations.size();
}

void planner::add_next(const sampling_options& how) {
  constexpr std::uint64_t k_largest_seed = std::uint64_t(1) << 53;  // double has all up to it
  const shape each_sequence = {by_.batch};
  const operand last = {"logits",
                        {by_.batch, config_.vocabulary},
                        {by_.length * config_.vocabulary, 1},
                        (by_.length - 1) * config_.vocabulary};
  add_value("next_tokens", each_sequence, dtype::int32, value_role::activation);
  if (how.is_greedy())
    return add_operation("next", "sampling.greedy.fwd", {last}, {whole("next_tokens")});
  if (how.seed > k_largest_seed)
    throw bad_input("a seed of {} is more than 2^53, the largest that kernels take", how.seed);
  for (const char* each : {"sequences", "positions"})
    add_value(each, each_sequence, dtype::int32, value_role::input);
  add_operation("next", "sampling.next.fwd", {last, whole("sequences"), whole("positions")},
                {whole("next_tokens")},
                {how.by.temperature, double(how.by.top_k), how.by.top_p, double(how.seed)});
}

void planner::embed() {
  add_activation("embedding", sequences(config_.channels));
  // Without positions they are zeros.
  if (!config_.positions)
    add_value("no_positions", {by_.length, config_.channels}, by_.type, value_role::input);
  const bool goes_on = by_.capacity > 0 && config_.positions;
  std::vector<operand> inputs = {whole("wte.weight"),
                                 whole(config_.positions ? "wpe.weight" : "no_positions"),
                                 whole("tokens")};
  if (goes_on) inputs.push_back(whole("lengths"));
  add_operation("embedding", goes_on ? "embedding.offset.fwd" : "embedding.tokens.fwd",
                std::move(inputs), {whole("embedding")});
}

std::string planner::normalize(const std::string& norm, const std::string& x) {
  add_activation(norm, sequences(config_.channels));
  for (const char* each : {".mean", ".rstd"})
    add_value(norm + each, {by_.batch, by_.length}, dtype::fp32, value_role::activation);
  add_operation(norm, "layer_norm.plain.fwd",
                {rows(x), whole(norm + ".weight"), whole(norm + ".bias")},
                {rows(norm), flat(norm + ".mean"), flat(norm + ".rstd")}, {config_.eps});
  return norm;
}

void planner::linear(const std::string& function, const std::string& layer, const std::string& x,
                     const std::string& y, const std::vector<std::string>& more_in,
                     const std::vector<std::string>& more_out) {
  const std::int64_t width = plan_.values.at(layer + ".bias").shape[0];
  add_activation(y, sequences(width));
  std::vector<operand> inputs = {rows(x), whole(layer + ".weight"), whole(layer + ".bias")},
                       outputs = {rows(y)};
  for (const std::string& each : more_in) inputs.push_back(rows(each));
  for (const std::string& each : more_out) {
    add_activation(each, sequences(width));
    outputs.push_back(rows(each));
  }
  add_operation(layer, function, std::move(inputs), std::move(outputs));
}

std::vector<operand> planner::heads_of(const std::string& qkv) const {
  const std::int64_t c = config_.channels, d = config_.head_width(), t = by_.length;
  std::vector<operand> parts = {
      {qkv, {by_.batch, t, config_.heads, 1, d}, {t * 3 * c, 3 * c, d, d, 1}, 0}};
  for (const std::int64_t part : {1, 2})
    parts.push_back({qkv, {by_.batch, t, config_.heads, d}, {t * 3 * c, 3 * c, d, 1}, part * c});
  return parts;
}

operand planner::joined(const std::string& name) const {
  return {name, {by_.batch, by_.length, config_.heads, 1, config_.head_width()}};
}

void planner::attend(std::int64_t layer) {
  const std::string o = name_in_block(layer, "joined"), lse = name_in_block(layer, "lse");
  add_activation(o, sequences(config_.channels));
  add_value(lse, {by_.batch, config_.heads, 1, by_.length}, dtype::fp32, value_role::activation);
  const std::vector<operand> parts = heads_of(name_in_block(layer, "qkv"));
  if (by_.capacity > 0) return attend_to_cache(layer, parts, {joined(o), whole(lse)});
  add_operation(name_in_block(layer, "attention"), "attention.causal.fwd", parts,
                {joined(o), whole(lse)}, {0});
}

void planner::attend_to_cache(std::int64_t layer, const std::vector<operand>& parts,
                              std::vector<operand> outputs) {
  const auto name = [&](const char* rest) { return name_in_block(layer, rest); };
  const shape room = {by_.batch, by_.capacity, config_.heads, config_.head_width()};
  for (const char* each : {"keys", "values"}) {
    add_value(name(each), room, by_.type, value_role::cache);
    add_operation(name(each), "kv_cache.append.fwd",
                  {whole(name(each)), parts[std::string(each) == "keys" ? 1 : 2], whole("lengths")},
                  {whole(name(each))});
  }
  add_operation(name("attention"), "attention.decode.fwd",
                {parts[0], whole(name("keys")), whole(name("values")), whole("lengths_after")},
                std::move(outputs), {0});
}

void planner::activate(gpt2_activation by, const std::string& x, const std::string& y) {
  add_activation(y, plan_.values.at(x).shape);
  add_operation(y, function_of(by) + ".fwd", {flat(x)}, {flat(y)});
}

std::string planner::feed_forward(std::int64_t layer, const std::string& x,
                                  const std::string& residual) {
  const auto name = [&](const char* rest) { return name_in_block(layer, rest); };
  const gpt2_activation by = config_.activation_of(layer);
  if (by == gpt2_activation::relu) {
    linear("linear.bias.fwd", name("mlp.c_fc"), x, name("hidden"));
    activate(by, name("hidden"), name("active"));
  } else {
    linear(by == gpt2_activation::gelu_erf ? "linear.gelu_erf.fwd" : "linear.gelu_tanh.fwd",
           name("mlp.c_fc"), x, name("active"), {}, {name("hidden")});
  }
  if (residual.empty())
    linear("linear.bias.fwd", name("mlp.c_proj"), name("active"), name("x_ff"));
  else
    linear("linear.residual.fwd", name("mlp.c_proj"), name("active"), name("x_ff"), {residual});
  return name("x_ff");
}

std::string planner::add_block(std::int64_t layer, std::string x) {
  const auto name = [&](const char* rest) { return name_in_block(layer, rest); };
  into_block_.push_back(x);
  if (config_.attention) {
    const std::string from = config_.norms ? normalize(name("ln_1"), x) : x;
    linear("linear.bias.fwd", name("attn.c_attn"), from, name("qkv"));
    attend(layer);
    if (config_.residuals)
      linear("linear.residual.fwd", name("attn.c_proj"), name("joined"), name("x_at"), {x});
    else
      linear("linear.bias.fwd", name("attn.c_proj"), name("joined"), name("x_at"));
    x = name("x_at");
  }
  if (!config_.feed_forward) return x;
  const std::string from = config_.norms ? normalize(name("ln_2"), x) : x;
  return feed_forward(layer, from, config_.residuals ? x : std::string());
}

}  // namespace assay::gpt2
