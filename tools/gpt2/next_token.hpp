// How the next token is chosen (reference/sampling.hpp), from logits wherever they came from.
#pragma once

#include "reference/sampling.hpp"

#include <cstdint>
#include <span>

namespace assay::gpt2 {

struct sampling_options {
  reference::sampling_settings<double> by = {};
  bool greedy = false;
  std::uint64_t seed = 0;
};

// The token at `position` of sequence `sequence`, from a row of logits. What is drawn depends on
// seed, sequence and position, and not on what else is in the batch. Throws bad_input where no
// token can come next.
std::int64_t next_token(std::span<const double> logits, const sampling_options& how,
                        std::uint32_t sequence, std::int64_t position);

}  // namespace assay::gpt2
