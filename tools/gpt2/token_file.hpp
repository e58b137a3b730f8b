// Tokens and targets of a few sequences, in a safetensors file or typed in.
#pragma once

#include "reference/gpt2.hpp"

#include <string>
#include <vector>

namespace assay::gpt2 {

// `tokens`, int32 [B, T]; `targets` of the same shape, where there are such.
struct token_file {
  reference::token_batch tokens;
  std::vector<std::int64_t> targets;
};

// Throws bad_input where the file has no such tensor, or another shape or dtype.
token_file read_sequences(const std::string& path, bool with_targets);

// Where a command has its sequences from: one of the two.
struct token_options {
  std::string file, ids;
};
// Of `ids` the first is not a target, and the last no token, if there are to be targets.
token_file sequences_of(const token_options& from, bool with_targets);

// "15496,11,995": one sequence.
reference::token_batch parsed_tokens(const std::string& text);

// Each a token of the vocabulary, sequences within the context; bad_input if not. Targets may be
// negative: those count nothing.
void check_tokens(const reference::token_batch& tokens, const reference::gpt2_config& config);
void check_targets(const std::vector<std::int64_t>& targets, const reference::gpt2_config& config);

}  // namespace assay::gpt2
