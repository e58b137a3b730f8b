// Who computes a model: the reference, in double, or kernels on the emulator or a GPU.
#pragma once

#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/model_folder.hpp"
#include "tools/gpt2/token_file.hpp"

#include <memory>

namespace assay::gpt2 {

struct loss_result {
  double loss = 0;    // mean over the targets that are not negative
  weights gradients;  // by the parameters' names; empty if they were not wanted
};

// Sequences that grow together.
class session {
 public:
  virtual ~session() = default;

  // The logits of the last token of each sequence, [B, V], once as many new tokens have come to
  // each.
  virtual std::vector<double> extend(const reference::token_batch& news) = 0;
  // The token that comes next to each of them, [B], likewise: at `position` of their texts, of
  // which they may be the end. Throws bad_input where none can.
  virtual std::vector<std::int64_t> next(const reference::token_batch& news,
                                         const sampling_options& how, std::int64_t position) = 0;
};

class engine {
 public:
  virtual ~engine() = default;

  // Sequences of at most `capacity` tokens, from their first on.
  virtual std::unique_ptr<session> begin(std::int64_t capacity) = 0;

  // [B, T, V]. Tokens have been checked, here and below.
  virtual std::vector<double> logits(const reference::token_batch& tokens) = 0;
  // The token that comes next to each sequence, [B], at `position` of its text.
  virtual std::vector<std::int64_t> next(const reference::token_batch& tokens,
                                         const sampling_options& how, std::int64_t position);
  virtual loss_result loss(const reference::token_batch& tokens,
                           const std::vector<std::int64_t>& targets, bool with_gradients) = 0;
};

// Of logits [B, T, V] those of the last tokens, [B, V].
std::vector<double> of_last_tokens(const std::vector<double>& logits, std::int64_t batch,
                                   std::int64_t vocabulary);

// A session that keeps nothing but the tokens: all of them pass through the model every time.
std::unique_ptr<session> begin_without_cache(engine& by, const gpt2_config& config);

struct engine_options {
  std::string on = "reference";  // or emulator, cuda
  bool sanitize = false;         // the emulator's build that watches every access
  std::uint64_t schedule = 0;    // the emulator's order of threads
  dtype type = dtype::fp32;      // of parameters and activations, where kernels compute
};

// `of` stays where it is, and its parameters may change between calls. Throws bad_input for another
// name, and for what only the emulator can do; device_absent where there is no GPU.
std::unique_ptr<engine> make_engine(const engine_options& by, const model& of);

// Likewise, for what runs kernels and nothing else.
execution execution_of(const engine_options& by);

}  // namespace assay::gpt2
