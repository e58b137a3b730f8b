// The backward pass of GPT-2 (gpt2.hpp): from the values of the forward pass and the gradient of
// the logits, the gradients of all values and all parameters, by their names. And the loss they
// come from: the mean cross-entropy (cross_entropy.hpp) of next tokens.
#pragma once

#include "reference/attention_gradient.hpp"
#include "reference/cross_entropy.hpp"
#include "reference/gpt2.hpp"

namespace assay::reference {

template <real R>
struct token_loss {
  R mean;
  std::vector<R> gradient;  // of the logits
};

/// Targets [rows] of logits [rows, vocabulary]; policies as cross_entropy.hpp's.
template <real R>
token_loss<R> loss_of(std::span<const R> logits, std::span<const std::int64_t> targets);

template <real R>
class gpt2_gradient {
 public:
  using observer = typename gpt2<R>::observer;

  /// Both stay where they are.
  gpt2_gradient(const gpt2<R>& model, const token_batch& tokens, const named_tensors<R>& values)
      : model_(model), config_(model.config()), tokens_(tokens), values_(values) {}

  /// Gradients of all values, by their names, and of all parameters, by theirs.
  named_tensors<R> from(std::vector<R> logits, const observer& seen = {});

 private:
  const tensor<R>& value(const std::string& name) const { return values_.find(name)->second; }
  matrix_view<R> gradient(const std::string& name) const {
    return rows_of(gradients_.find(name)->second);
  }
  void put(const std::string& name, const shape& extents, std::vector<R> gradient) {
    tensor<R>& there =
        gradients_.insert_or_assign(name, tensor<R>(extents, std::move(gradient))).first->second;
    if (seen_) seen_(name, there);
  }
  void put_like(const std::string& name, std::vector<R> gradient) {
    put(name, value(name).extents(), std::move(gradient));
  }
  /// Puts a gradient, or adds it to the one that came by another way.
  void add_like(const std::string& name, std::vector<R> gradient);

  void head(const std::string& x);
  void norm(const std::string& of, const std::string& x);
  void linear(const std::string& layer, const std::string& x, const std::string& y);
  void attend(std::int64_t layer);
  void attend_head(std::int64_t layer, std::int64_t b, std::int64_t h, std::vector<R>& dqkv) const;
  void activate(gpt2_activation by, const std::string& x, const std::string& y);
  void block(std::int64_t layer, const std::string& x);
  void embed();
  std::string out_of_block(std::int64_t layer) const;

  const gpt2<R>& model_;
  const gpt2_config& config_;
  const token_batch& tokens_;
  const named_tensors<R>& values_;
  named_tensors<R> gradients_;
  observer seen_;
};

template <real R>
R slope_at(gpt2_activation by, const R& x) {
  if (by == gpt2_activation::relu) return relu_slope{}(x).value();
  return by == gpt2_activation::gelu_erf ? gelu_erf_slope{}(x).value()
                                         : gelu_tanh_slope{}(x).value();
}

template <real R>
token_loss<R> loss_of(std::span<const R> logits, std::span<const std::int64_t> targets) {
  const auto count = std::count_if(targets.begin(), targets.end(), [](auto t) { return t >= 0; });
  if (count == 0) return {R(0), std::vector<R>(logits.size(), R(0))};
  const R rows = R(double(count));
  const std::size_t width = logits.size() / targets.size();
  std::vector<R> losses, gradient;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const entropy_row<R> row = cross_entropy(logits.subspan(i * width, width), targets[i]);
    losses.push_back(row.loss);
    for (const R& each : row.gradient) gradient.push_back(R(each / rows));
  }
  return {total_loss(std::span<const R>(losses), count, true), std::move(gradient)};
}

template <real R>
void gpt2_gradient<R>::add_like(const std::string& name, std::vector<R> gradient) {
  const auto there = gradients_.find(name);
  if (there != gradients_.end())
    for (std::size_t i = 0; i < gradient.size(); ++i)
      gradient[i] = there->second.elements()[i] + gradient[i];
  put_like(name, std::move(gradient));
}

template <real R>
named_tensors<R> gpt2_gradient<R>::from(std::vector<R> logits, const observer& seen) {
  gradients_.clear();
  seen_ = seen;
  put_like("logits", std::move(logits));
  const std::string last =
      config_.layers > 0 ? out_of_block(config_.layers - 1) : std::string("embedding");
  head(config_.norms ? "ln_f" : config_.final_activation ? "active" : last);
  if (config_.norms) norm("ln_f", config_.final_activation ? "active" : last);
  if (config_.final_activation) activate(config_.activation, last, "active");
  for (std::int64_t layer = config_.layers; layer-- > 0;)
    block(layer, layer > 0 ? out_of_block(layer - 1) : "embedding");
  embed();
  return std::move(gradients_);
}

template <real R>
std::string gpt2_gradient<R>::out_of_block(std::int64_t layer) const {
  if (config_.feed_forward) return name_in_block(layer, "x_ff");
  if (config_.attention) return name_in_block(layer, "x_at");
  return layer > 0 ? out_of_block(layer - 1) : "embedding";
}

template <real R>
void gpt2_gradient<R>::head(const std::string& x) {
  const char* const name = config_.tied ? "wte.weight" : "lm_head.weight";
  const tensor<R>& w = model_.weight(name);
  add_like(x, large_product(gradient("logits"), rows_of(w)));
  put(name, w.extents(), large_product(gradient("logits").transposed(), rows_of(value(x))));
}

template <real R>
void gpt2_gradient<R>::norm(const std::string& of, const std::string& x) {
  const matrix_view<R> dy = gradient(of), rows = rows_of(value(x));
  const std::span<const R> gamma = model_.weight(of + ".weight").elements(),
                           mean = value(of + ".mean").elements(),
                           rstd = value(of + ".rstd").elements();
  const auto width = std::size_t(rows.columns);
  std::vector<R> dx, dgamma(width, R(0));
  for (std::int64_t i = 0; i < rows.rows; ++i) {
    const std::span<const R> from(dy.data + i * dy.columns, width),
        row(rows.data + i * rows.columns, width);
    const row_statistics<R> given{mean[std::size_t(i)], rstd[std::size_t(i)]};
    const std::vector<R> of_row = layer_norm_gradient(from, row, gamma, given),
                         xhat = normalized(row, given);
    dx.insert(dx.end(), of_row.begin(), of_row.end());
    for (std::size_t j = 0; j < width; ++j) dgamma[j] = dgamma[j] + from[j] * xhat[j];
  }
  put(of + ".weight", {rows.columns}, std::move(dgamma));
  put(of + ".bias", {rows.columns}, sum_of_rows(dy));
  add_like(x, std::move(dx));
}

template <real R>
void gpt2_gradient<R>::linear(const std::string& layer, const std::string& x,
                              const std::string& y) {
  const tensor<R>& w = model_.weight(layer + ".weight");
  const matrix_view<R> dy = gradient(y);
  put(layer + ".weight", w.extents(), large_product(rows_of(value(x)).transposed(), dy));
  put(layer + ".bias", {w.extents()[1]}, sum_of_rows(dy));
  add_like(x, large_product(dy, rows_of(w).transposed()));
}

template <real R>
void gpt2_gradient<R>::attend_head(std::int64_t layer, std::int64_t b, std::int64_t h,
                                   std::vector<R>& dqkv) const {
  const std::int64_t t = tokens_.length, c = config_.channels, width = config_.head_width();
  const auto of_batch = [&](std::span<const R> all, std::int64_t row) {
    return all.subspan(std::size_t(b * t * row), std::size_t(t * row));
  };
  const auto joined = [&](const R* all) {
    return head_matrix<R>{all + b * t * c + h * width, t, width, c};
  };
  const auto packed = [&](packed_part which) {
    return packed_head(of_batch(value(name_in_block(layer, "qkv")).elements(), 3 * c), c,
                       config_.heads, h, which);
  };
  std::vector<key_range> seen;
  for (std::int64_t i = 0; i < t; ++i) seen.push_back({0, i + 1});
  const attention_gradients<R> of_head = attention_gradient(
      attention_results<R>{packed(packed_part::queries), packed(packed_part::keys),
                           packed(packed_part::values),
                           joined(value(name_in_block(layer, "joined")).elements().data()),
                           joined(gradient(name_in_block(layer, "joined")).data),
                           value(name_in_block(layer, "lse"))
                               .elements()
                               .subspan(std::size_t((b * config_.heads + h) * t), std::size_t(t)),
                           seen},
      R(R(1) / special<R>::sqrt(R(double(width)))));
  std::int64_t part = 0;
  for (const std::vector<R>* each : {&of_head.dq, &of_head.dk, &of_head.dv}) {
    for (std::int64_t i = 0; i < t; ++i)
      std::copy_n(each->begin() + i * width, width,
                  dqkv.begin() + ((b * t + i) * 3 + part) * c + h * width);
    ++part;
  }
}

template <real R>
void gpt2_gradient<R>::attend(std::int64_t layer) {
  std::vector<R> dqkv(value(name_in_block(layer, "qkv")).elements().size(), R(0));
  for (std::int64_t b = 0; b < tokens_.batch(); ++b)
    for (std::int64_t h = 0; h < config_.heads; ++h) attend_head(layer, b, h, dqkv);
  put_like(name_in_block(layer, "qkv"), std::move(dqkv));
}

template <real R>
void gpt2_gradient<R>::activate(gpt2_activation by, const std::string& x, const std::string& y) {
  const std::span<const R> from = value(x).elements();
  const matrix_view<R> dy = gradient(y);
  std::vector<R> dx;
  for (std::size_t i = 0; i < from.size(); ++i) dx.push_back(R(slope_at(by, from[i]) * dy.data[i]));
  add_like(x, std::move(dx));
}

template <real R>
void gpt2_gradient<R>::block(std::int64_t layer, const std::string& x) {
  const auto name = [&](const char* rest) { return name_in_block(layer, rest); };
  const auto hand_over = [&](const std::string& from, const std::string& to) {
    if (!config_.residuals) return;
    const matrix_view<R> g = gradient(from);
    add_like(to, std::vector<R>(g.data, g.data + g.rows * g.columns));
  };
  const std::string between = config_.attention ? name("x_at") : x;
  if (config_.feed_forward) {
    const std::string from = config_.norms ? name("ln_2") : between;
    hand_over(name("x_ff"), between);
    linear(name("mlp.c_proj"), name("active"), name("x_ff"));
    activate(config_.activation_of(layer), name("hidden"), name("active"));
    linear(name("mlp.c_fc"), from, name("hidden"));
    if (config_.norms) norm(name("ln_2"), between);
  }
  if (config_.attention) {
    const std::string from = config_.norms ? name("ln_1") : x;
    hand_over(name("x_at"), x);
    linear(name("attn.c_proj"), name("joined"), name("x_at"));
    attend(layer);
    linear(name("attn.c_attn"), from, name("qkv"));
    if (config_.norms) norm(name("ln_1"), x);
  }
}

template <real R>
void gpt2_gradient<R>::embed() {
  const std::span<const std::int64_t> ids(tokens_.ids);
  const matrix_view<R> dx = gradient("embedding");
  const table<R> rows{{dx.data, std::size_t(dx.rows * dx.columns)}, config_.channels};
  std::vector<R> tokens = embedding_gradient(ids, config_.vocabulary, rows);
  if (config_.tied) {  // the head's share is there already
    const matrix_view<R> head = gradient("wte.weight");
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = head.data[i] + tokens[i];
  }
  put("wte.weight", {config_.vocabulary, config_.channels}, std::move(tokens));
  if (!config_.positions) return;
  const std::vector<std::int64_t> places = position_ids(tokens_.batch(), tokens_.length);
  put("wpe.weight", {config_.context, config_.channels},
      embedding_gradient(std::span<const std::int64_t>(places), config_.context, rows));
}

}  // namespace assay::reference
