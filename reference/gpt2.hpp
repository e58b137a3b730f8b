// GPT-2 (Radford et al. 2019), forward: B sequences of T tokens to logits [B, T, V], in three
// stages, and every value on the way by its name.
//
//   embedding      wte[token] + wpe[position]
//   block i        x_at = x + attention(ln_1(x)),   x_ff = x_at + feed_forward(ln_2(x_at))
//   head           ln_f(x) wte^T
//
//   h.I.ln_1 .qkv .joined .x_at .ln_2 .hidden .active .x_ff       [B, T, C], qkv [B, T, 3 C],
//   h.I.lse [B, H, T]; NORM.mean and NORM.rstd [B, T]             hidden and active [B, T, hidden]
//   embedding, ln_f, active (of the ladder's first steps), logits
//
// The mathematics of each part is that of its own header; nothing is rounded in between.
#pragma once

#include "reference/attention.hpp"
#include "reference/cores.hpp"
#include "reference/embedding.hpp"
#include "reference/gelu.hpp"
#include "reference/gpt2_config.hpp"
#include "reference/layer_norm.hpp"
#include "reference/matrix_product.hpp"
#include "reference/multi_head.hpp"
#include "reference/relu.hpp"

#include <functional>
#include <map>
#include <string_view>

namespace assay::reference {

/// Parameters, values on the way, or their gradients: by name.
template <class R>
using named_tensors = std::map<std::string, tensor<R>, std::less<>>;

/// B sequences of T tokens each, one after the other.
struct token_batch {
  std::vector<std::int64_t> ids;
  std::int64_t length = 0;

  std::int64_t batch() const { return length > 0 ? std::int64_t(ids.size()) / length : 0; }
};

template <real R>
class gpt2 {
 public:
  /// Called with each value as it comes about; may change it (Monte-Carlo rounding does).
  using observer = std::function<void(std::string_view name, tensor<R>& value)>;

  /// `weights` has all of parameters_of(config), and stays where it is. Throws shape_error where
  /// one is missing or of another shape.
  gpt2(const gpt2_config& config, const named_tensors<R>& weights);

  const gpt2_config& config() const { return config_; }
  const tensor<R>& weight(std::string_view name) const { return weights_.find(name)->second; }

  /// Throws shape_error where a token is none of the vocabulary, or a sequence is longer than the
  /// context.
  named_tensors<R> forward(const token_batch& tokens, const observer& seen = {}) const;

 private:
  struct pass {
    const token_batch& tokens;
    const observer& seen;
    named_tensors<R> values = {};

    const tensor<R>& at(const std::string& name) const { return values.find(name)->second; }
    shape wide(std::int64_t width) const { return {tokens.batch(), tokens.length, width}; }
    void put(const std::string& name, const shape& extents, std::vector<R> value) {
      tensor<R>& there =
          values.insert_or_assign(name, tensor<R>(extents, std::move(value))).first->second;
      if (seen) seen(name, there);
    }
  };

  void check(const token_batch& tokens) const;
  void embed(pass& p) const;
  std::string normalize(pass& p, const std::string& norm, const std::string& x) const;
  void apply_linear(pass& p, const std::string& layer, const std::string& x, const std::string& y,
                    const std::string& residual = {}) const;
  void attend(pass& p, std::int64_t layer) const;
  void activate(pass& p, gpt2_activation by, const std::string& x, const std::string& y) const;
  std::string add_block(pass& p, std::int64_t layer, std::string x) const;
  void add_head(pass& p, const std::string& x) const;

  gpt2_config config_;
  const named_tensors<R>& weights_;
};

/// Calls work(i) for all i < count: in double on all cores, in other tiers, which may have state of
/// their own, on one.
template <real R, class Work>
void on_cores_in_double(std::int64_t count, const Work& work) {
  on_cores(count, std::is_same_v<R, double> ? cores_here() : 1, work);
}

/// gelu.tanh, gelu.erf or relu of x, and their derivatives.
template <real R>
R activation_at(gpt2_activation by, const R& x) {
  if (by == gpt2_activation::relu) return relu_forward{}(x).value();
  return by == gpt2_activation::gelu_erf ? gelu_erf_forward{}(x).value()
                                         : gelu_tanh_forward{}(x).value();
}

/// A matrix [rows, last extent] of a tensor.
template <class R>
matrix_view<R> rows_of(const tensor<R>& all) {
  const std::int64_t width = all.extents()[all.extents().rank() - 1];
  return matrix_of(all.elements(), width > 0 ? all.extents().count() / width : 0, width);
}

template <real R>
gpt2<R>::gpt2(const gpt2_config& config, const named_tensors<R>& weights)
    : config_(config), weights_(weights) {
  config_.check();
  for (const gpt2_parameter& each : parameters_of(config_)) {
    const auto found = weights_.find(each.name);
    if (found == weights_.end())
      throw shape_error("there is no " + each.name + ", expected one of shape " +
                        each.extents.text());
    if (!(found->second.extents() == each.extents))
      throw shape_error(each.name + " is of shape " + found->second.extents().text() +
                        ", expected " + each.extents.text());
  }
}

template <real R>
void gpt2<R>::check(const token_batch& tokens) const {
  if (tokens.length < 0 || (tokens.length == 0 && !tokens.ids.empty()) ||
      (tokens.length > 0 && std::int64_t(tokens.ids.size()) % tokens.length != 0))
    throw shape_error(std::to_string(tokens.ids.size()) + " tokens in sequences of " +
                      std::to_string(tokens.length));
  if (config_.positions && tokens.length > config_.context)
    throw shape_error("a sequence of " + std::to_string(tokens.length) + " tokens, expected " +
                      std::to_string(config_.context) + " at most");
  for (const std::int64_t id : tokens.ids)
    if (id < 0 || id >= config_.vocabulary)
      throw shape_error("token " + std::to_string(id) + ", expected 0 to " +
                        std::to_string(config_.vocabulary - 1));
}

template <real R>
named_tensors<R> gpt2<R>::forward(const token_batch& tokens, const observer& seen) const {
  check(tokens);
  pass p{tokens, seen};
  embed(p);
  std::string x = "embedding";
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) x = add_block(p, layer, x);
  if (config_.final_activation) {
    activate(p, config_.activation, x, "active");
    x = "active";
  }
  add_head(p, config_.norms ? normalize(p, "ln_f", x) : x);
  return std::move(p.values);
}

template <real R>
void gpt2<R>::embed(pass& p) const {
  const std::int64_t c = config_.channels;
  const tensor<R> none(shape{p.tokens.length, c});
  const tensor<R>& positions = config_.positions ? weight("wpe.weight") : none;
  p.put("embedding", p.wide(c),
        embedding<R>(p.tokens.ids, position_ids(p.tokens.batch(), p.tokens.length),
                     {weight("wte.weight").elements(), c}, {positions.elements(), c}));
}

template <real R>
std::string gpt2<R>::normalize(pass& p, const std::string& norm, const std::string& x) const {
  const matrix_view<R> rows = rows_of(p.at(x));
  const std::span<const R> gamma = weight(norm + ".weight").elements(),
                           beta = weight(norm + ".bias").elements();
  std::vector<R> y, mean, rstd;
  y.reserve(std::size_t(rows.rows * rows.columns));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    const std::span<const R> row(rows.data + i * rows.columns, std::size_t(rows.columns));
    const row_statistics<R> of = statistics_of_row(row, R(config_.eps));
    mean.push_back(of.mean);
    rstd.push_back(of.rstd);
    const std::vector<R> xhat = normalized(row, of);
    for (std::size_t j = 0; j < xhat.size(); ++j) y.push_back(gamma[j] * xhat[j] + beta[j]);
  }
  const shape of_rows{p.tokens.batch(), p.tokens.length};
  p.put(norm + ".mean", of_rows, std::move(mean));
  p.put(norm + ".rstd", of_rows, std::move(rstd));
  p.put(norm, p.wide(config_.channels), std::move(y));
  return norm;
}

template <real R>
void gpt2<R>::apply_linear(pass& p, const std::string& layer, const std::string& x,
                           const std::string& y, const std::string& residual) const {
  const tensor<R>& w = weight(layer + ".weight");
  std::vector<R> result = large_product(rows_of(p.at(x)), rows_of(w));
  add_to_rows(result, weight(layer + ".bias").elements());
  if (!residual.empty()) {
    const std::span<const R> r = p.at(residual).elements();
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = r[i] + result[i];
  }
  p.put(y, p.wide(w.extents()[1]), std::move(result));
}

template <real R>
void gpt2<R>::attend(pass& p, std::int64_t layer) const {
  const std::int64_t t = p.tokens.length, c = config_.channels, width = config_.head_width();
  const std::span<const R> qkv = p.at(name_in_block(layer, "qkv")).elements();
  const R scale = R(1) / special<R>::sqrt(R(double(width)));
  std::vector<R> joined(std::size_t(p.tokens.batch() * t * c)),
      lse(std::size_t(p.tokens.batch() * config_.heads * t));
  on_cores_in_double<R>(p.tokens.batch() * config_.heads, [&](std::int64_t head) {
    const std::int64_t b = head / config_.heads, h = head % config_.heads;
    const auto part = [&](packed_part which) {
      return packed_head(qkv.subspan(std::size_t(b * t * 3 * c), std::size_t(t * 3 * c)), c,
                         config_.heads, h, which);
    };
    const head_matrix<R> q = part(packed_part::queries), k = part(packed_part::keys),
                         v = part(packed_part::values);
    for (std::int64_t i = 0; i < t; ++i) {
      const attended<R> row =
          reference::attend(q.row(i), k.rows(0, i + 1), v.rows(0, i + 1), scale);
      std::copy(row.o.begin(), row.o.end(), joined.begin() + (b * t + i) * c + h * width);
      lse[std::size_t(head * t + i)] = row.lse;
    }
  });
  p.put(name_in_block(layer, "lse"), {p.tokens.batch(), config_.heads, t}, std::move(lse));
  p.put(name_in_block(layer, "joined"), p.wide(c), std::move(joined));
}

template <real R>
void gpt2<R>::activate(pass& p, gpt2_activation by, const std::string& x,
                       const std::string& y) const {
  const tensor<R>& from = p.at(x);
  const std::span<const R> all = from.elements();
  std::vector<R> result(all.size());
  constexpr std::size_t k_part = 4096;  // elements at a time
  on_cores_in_double<R>(std::int64_t((all.size() + k_part - 1) / k_part), [&](std::int64_t part) {
    const std::size_t first = std::size_t(part) * k_part;
    for (std::size_t i = first; i < std::min(first + k_part, all.size()); ++i)
      result[i] = activation_at(by, all[i]);
  });
  p.put(y, from.extents(), std::move(result));
}

template <real R>
std::string gpt2<R>::add_block(pass& p, std::int64_t layer, std::string x) const {
  const auto name = [&](const char* rest) { return name_in_block(layer, rest); };
  const auto residual = [&] { return config_.residuals ? x : std::string(); };
  if (config_.attention) {
    const std::string from = config_.norms ? normalize(p, name("ln_1"), x) : x;
    apply_linear(p, name("attn.c_attn"), from, name("qkv"));
    attend(p, layer);
    apply_linear(p, name("attn.c_proj"), name("joined"), name("x_at"), residual());
    x = name("x_at");
  }
  if (config_.feed_forward) {
    const std::string from = config_.norms ? normalize(p, name("ln_2"), x) : x;
    apply_linear(p, name("mlp.c_fc"), from, name("hidden"));
    activate(p, config_.activation_of(layer), name("hidden"), name("active"));
    apply_linear(p, name("mlp.c_proj"), name("active"), name("x_ff"), residual());
    x = name("x_ff");
  }
  return x;
}

template <real R>
void gpt2<R>::add_head(pass& p, const std::string& x) const {
  const tensor<R>& head = weight(config_.tied ? "wte.weight" : "lm_head.weight");
  p.put("logits", p.wide(config_.vocabulary),
        large_product(rows_of(p.at(x)), rows_of(head).transposed()));
}

}  // namespace assay::reference
