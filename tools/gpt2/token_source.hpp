// The tokens of a text file, or of a file of tokens:
//
//   NAME.uint16, NAME.bin    little-endian uint16, one after another
//   NAME.int32               little-endian int32
//   NAME.safetensors         the tensor `tokens` in it: int32, one dimension
//   any other name           text, for a tokenizer
#pragma once

#include "tools/gpt2/tokenizer.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace assay::gpt2 {

enum class token_format { text, uint16, int32, safetensors };

// What a file of that name holds (above).
token_format format_of(const std::string& path);

// Tokens that can be read at any place. Raw files stay on disk and are mapped; copies share the
// tokens.
class token_source {
 public:
  explicit token_source(std::vector<std::int32_t> ids);

  std::int64_t size() const { return size_; }

  // Tokens first, first + 1, ..., as many as `ids` takes; they must be there.
  void copy(std::int64_t first, std::span<std::int32_t> ids) const;

 private:
  friend token_source read_tokens(const std::string&, token_format, std::int64_t);
  token_source(std::shared_ptr<const void> owner, std::string_view bytes, std::size_t width);

  std::shared_ptr<const void> owner_;
  const char* bytes_;
  std::size_t width_;  // bytes of a token
  std::int64_t size_;
};

// Every token must be an id of the vocabulary, 0 to `vocabulary_size` - 1. Throws bad_input; so
// does token_format::text, which needs a tokenizer.
token_source read_tokens(const std::string& path, token_format format,
                         std::int64_t vocabulary_size);

// The text of `path`. <|endoftext|> is recognized where that is asked for and the vocabulary has
// it. Throws bad_input.
token_source read_text(const std::string& path, tokenizer& tokens,
                       special_tokens special = special_tokens::recognized);

}  // namespace assay::gpt2
