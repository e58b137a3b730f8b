// How the next token is chosen (reference/sampling.hpp), from logits wherever they came from.
#pragma once

#include "properties/bad_input.hpp"
#include "reference/sampling.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::gpt2 {

struct sampling_options {
  reference::sampling_settings<double> by = {};
  bool greedy = false;
  std::uint64_t seed = 0;

  bool is_greedy() const { return greedy || by.temperature == 0; }
  bool operator==(const sampling_options&) const = default;
};

// The token at `position` of sequence `sequence`, from a row of logits. What is drawn depends on
// seed, sequence and position, and not on what else is in the batch. Throws bad_input where no
// token can come next.
std::int64_t next_token(std::span<const double> logits, const sampling_options& how,
                        std::uint32_t sequence, std::int64_t position);

// The same of sequences 0, 1, ..., from rows of logits [batch, vocabulary].
std::vector<std::int64_t> next_tokens(std::span<const double> logits, std::int64_t batch,
                                      const sampling_options& how, std::int64_t position);

// What is thrown where no token can come next.
bad_input no_token_at(std::int64_t position);

}  // namespace assay::gpt2
