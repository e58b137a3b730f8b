// Training a vocabulary: byte-pair encoding of a text.
//
// Tokens 0 to 255 are the single bytes, in GPT-2's order. Then, again and again, the pair of
// neighbours that is the most frequent within the pieces of the text becomes a token; of equally
// frequent ones the pair with the least left id, then the least right id. The last token is
// <|endoftext|>. Source: Sennrich, Haddow, Birch 2016, algorithm 1. The same text and the same size
// give the same vocabulary on every machine whose PCRE2 knows the same Unicode.
#pragma once

#include "tools/gpt2/vocabulary.hpp"

#include <cstdint>
#include <string_view>

namespace assay::gpt2 {

struct vocabulary_request {
  std::int64_t size = 0;         // tokens, at least 257
  std::int64_t least_count = 2;  // a pair must stand so often, or is no token; at least 1
};

// Throws bad_input where the size is too small, or the text has no pairs for so many tokens.
vocabulary train_vocabulary(std::string_view text, const vocabulary_request& request);

}  // namespace assay::gpt2
