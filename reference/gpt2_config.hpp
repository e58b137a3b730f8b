// What a GPT-2 is made of (Radford et al. 2019; the layout of its published weights), and which
// parameters that gives it.
//
// The ladder leads there by one part a step, with the same parts:
//
//   1  embedding, GELU, head             4  blocks: attention, then feed-forward
//   2  + causal attention of one head    5  + positions, norms, residuals, tied head: GPT-2
//   3  + several heads
#pragma once

#include "reference/tensor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::reference {

enum class gpt2_activation { gelu_tanh, gelu_erf, relu };

struct gpt2_config {
  std::int64_t vocabulary = 50257, context = 1024, channels = 768, layers = 12, heads = 12;
  std::int64_t hidden = 3072;  // of the feed-forward part
  gpt2_activation activation = gpt2_activation::gelu_tanh;
  std::int64_t relu_layers = 0;  // so many blocks, the first, have ReLU whatever `activation` says
  double eps = 1e-5;             // of the norms
  bool tied = true;              // the head is wte, transposed
  bool positions = true, attention = true, feed_forward = true, norms = true, residuals = true;
  bool final_activation = false;  // between the last block and the head

  std::int64_t head_width() const { return channels / heads; }
  gpt2_activation activation_of(std::int64_t layer) const {
    return layer < relu_layers ? gpt2_activation::relu : activation;
  }

  /// Throws shape_error with what cannot be: a size below 1 (layers: 0), channels that the heads do
  /// not divide, an eps that is negative or no number.
  void check() const;

  /// Step 1 to 5 of the ladder, with the sizes of `sizes` as far as it has such parts.
  static gpt2_config ladder(int step, gpt2_config sizes);
};

struct gpt2_parameter {
  std::string name;  // as the published weights have it, without a prefix: "h.0.attn.c_attn.weight"
  shape extents;
};

/// All parameters, in the order of the forward pass. Matrices of blocks are [in, out]; wte, wpe and
/// an untied lm_head.weight have a row a token or position.
std::vector<gpt2_parameter> parameters_of(const gpt2_config& config);

/// "h.3.attn.c_attn.weight"
std::string name_in_block(std::int64_t layer, const char* rest);

}  // namespace assay::reference
