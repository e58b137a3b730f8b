// A byte-level vocabulary (byte-pair encoding), and the two files that GPT-2 keeps it in:
//
//   vocab.json   {"TOKEN": ID, ...}, the tokens spelled as byte_characters.hpp says; the ids are
//                0, 1, ..., each once
//   merges.txt   "#version: 0.2", then a line "LEFT RIGHT" for each merge, the most urgent first
//
// Reading trusts nothing: whatever is wrong with a file is bad_input with one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::gpt2 {

inline constexpr std::string_view k_end_of_text = "<|endoftext|>";

// Where tokens `left` and `right` stand side by side, `whole` may take their place.
struct merge {
  std::int32_t left, right;  // ids
  std::int32_t whole;        // id of the token whose bytes are left's, then right's

  bool operator==(const merge&) const = default;
};

struct vocabulary {
  std::vector<std::string> tokens;  // by id: the bytes that each stands for, no two the same
  std::vector<merge> merges;        // by rank, no two of the same pair

  bool operator==(const vocabulary&) const = default;
};

// From the text of the two files; `tokens_whence` and `merges_whence` stand in error messages.
// Every single byte has a token in what is returned. Throws bad_input.
vocabulary parse_vocabulary(std::string_view tokens, const std::string& tokens_whence,
                            std::string_view merges, const std::string& merges_whence);

// vocab.json (one token a line, by id) and merges.txt.
std::string print_tokens(const vocabulary& known);
std::string print_merges(const vocabulary& known);

// FOLDER/vocab.json and FOLDER/merges.txt. Each file is written whole or not at all.
vocabulary read_vocabulary(const std::string& folder);
void write_vocabulary(const std::string& folder, const vocabulary& known);

// A token for error messages: spelled, quoted, in ASCII.
std::string quoted_token(std::string_view token);

}  // namespace assay::gpt2
