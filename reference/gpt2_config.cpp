#include "reference/gpt2_config.hpp"

#include <cmath>
#include <utility>

namespace assay::reference {

std::string name_in_block(std::int64_t layer, const char* rest) {
  return "h." + std::to_string(layer) + "." + rest;
}

void gpt2_config::check() const {
  const std::pair<const char*, std::int64_t> sizes[] = {
      {"vocabulary", vocabulary}, {"context", context}, {"channels", channels},
      {"heads", heads},           {"hidden", hidden},
  };
  for (const auto& [name, size] : sizes)
    if (size < 1 || size > (std::int64_t(1) << 31) - 1)
      throw shape_error(std::string(name) + " " + std::to_string(size) +
                        ", expected 1 to 2^31 - 1");
  if (layers < 0) throw shape_error("layers " + std::to_string(layers) + ", expected 0 or more");
  if (channels % heads != 0)
    throw shape_error(std::to_string(channels) + " channels for " + std::to_string(heads) +
                      " heads, expected channels that the heads divide evenly");
  if (!(eps >= 0) || !std::isfinite(eps))
    throw shape_error("eps " + std::to_string(eps) + ", expected a number that is not negative");
}

gpt2_config gpt2_config::ladder(int step, gpt2_config sizes) {
  if (step < 1 || step > 5)
    throw shape_error("step " + std::to_string(step) + " of the ladder, expected 1 to 5");
  if (step == 5) return sizes;
  if (step < 4) sizes.layers = step == 1 ? 0 : 1;
  if (step < 3) sizes.heads = 1;
  sizes.positions = sizes.norms = sizes.residuals = sizes.tied = false;
  sizes.feed_forward = step == 4;
  sizes.final_activation = step < 4;
  return sizes;
}

std::vector<gpt2_parameter> parameters_of(const gpt2_config& of) {
  const std::int64_t c = of.channels;
  std::vector<gpt2_parameter> all = {{"wte.weight", {of.vocabulary, c}}};
  if (of.positions) all.push_back({"wpe.weight", {of.context, c}});
  const auto add_norm = [&](const std::string& name) {
    if (!of.norms) return;
    all.push_back({name + ".weight", {c}});
    all.push_back({name + ".bias", {c}});
  };
  const auto add_linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    all.push_back({name + ".weight", {in, out}});
    all.push_back({name + ".bias", {out}});
  };
  for (std::int64_t i = 0; i < of.layers; ++i) {
    const auto name = [&](const char* rest) { return name_in_block(i, rest); };
    if (of.attention) {
      add_norm(name("ln_1"));
      add_linear(name("attn.c_attn"), c, 3 * c);
      add_linear(name("attn.c_proj"), c, c);
    }
    if (of.feed_forward) {
      add_norm(name("ln_2"));
      add_linear(name("mlp.c_fc"), c, of.hidden);
      add_linear(name("mlp.c_proj"), of.hidden, c);
    }
  }
  add_norm("ln_f");
  if (!of.tied) all.push_back({"lm_head.weight", {of.vocabulary, c}});
  return all;
}

}  // namespace assay::reference
