// GPT-2's tokenizer: text to ids and back.
//
//   text -> pieces (pre_tokenizer.hpp) -> ids of each piece (byte_pair_encoding.hpp)
//
// Text is any bytes. decode(encode(text)) is text, whatever it holds; encode(decode(ids)) need not
// be ids, since other ids may spell the same bytes.
#pragma once

#include "tools/gpt2/byte_pair_encoding.hpp"
#include "tools/gpt2/pre_tokenizer.hpp"
#include "tools/gpt2/vocabulary.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace assay::gpt2 {

// What <|endoftext|> is in a text: thirteen characters like any others, or the token of that name.
// Text from a stranger is encoded as_text, or the stranger ends documents.
enum class special_tokens { as_text, recognized };

// Keeps the pieces that it has met: one object serves one thread at a time.
class tokenizer {
 public:
  // `known` as parse_vocabulary and train_vocabulary make it.
  explicit tokenizer(vocabulary known);

  // Throws bad_input where special tokens are to be recognized and the vocabulary has none.
  std::vector<std::int32_t> encode(std::string_view text,
                                   special_tokens special = special_tokens::as_text);

  // The bytes, which are well-formed UTF-8 only where the ids end as characters do. Throws
  // bad_input at an id that the vocabulary does not have.
  std::string decode(std::span<const std::int32_t> ids) const;

  const vocabulary& known() const { return known_; }
  std::int64_t size() const { return std::int64_t(known_.tokens.size()); }
  std::optional<std::int32_t> end_of_text() const { return end_of_text_; }

 private:
  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  void encode_plain(std::string_view text, std::vector<std::int32_t>& ids);
  void encode_piece(std::string_view piece, std::vector<std::int32_t>& ids);

  vocabulary known_;
  byte_pair_encoding encoding_;
  pre_tokenizer pieces_;
  std::optional<std::int32_t> end_of_text_;
  std::unordered_map<std::string, std::vector<std::int32_t>, hash, std::equal_to<>> met_;
};

// Of FOLDER/vocab.json and FOLDER/merges.txt. Throws bad_input.
tokenizer read_tokenizer(const std::string& folder);

}  // namespace assay::gpt2
