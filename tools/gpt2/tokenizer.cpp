#include "tools/gpt2/tokenizer.hpp"

#include "properties/bad_input.hpp"

#include <algorithm>
#include <utility>

namespace assay::gpt2 {
namespace {

// What the memory of pieces may hold: a few megabytes. A long piece seldom comes back.
constexpr std::size_t k_most_met = 1 << 16;
constexpr std::size_t k_longest_met = 32;

}  // namespace

tokenizer::tokenizer(vocabulary known) : known_(std::move(known)), encoding_(known_) {
  const auto found = std::find(known_.tokens.begin(), known_.tokens.end(), k_end_of_text);
  if (found != known_.tokens.end()) end_of_text_ = std::int32_t(found - known_.tokens.begin());
}

std::vector<std::int32_t> tokenizer::encode(std::string_view text, special_tokens special) {
  std::vector<std::int32_t> ids;
  if (special == special_tokens::recognized) {
    if (!end_of_text_)
      throw bad_input("the vocabulary has no token {}, which was to be recognized", k_end_of_text);
    for (std::size_t at; (at = text.find(k_end_of_text)) != text.npos;) {
      encode_plain(text.substr(0, at), ids);
      ids.push_back(*end_of_text_);
      text.remove_prefix(at + k_end_of_text.size());
    }
  }
  encode_plain(text, ids);
  return ids;
}

void tokenizer::encode_plain(std::string_view text, std::vector<std::int32_t>& ids) {
  pieces_.split(text, [&](std::string_view piece) { encode_piece(piece, ids); });
}

void tokenizer::encode_piece(std::string_view piece, std::vector<std::int32_t>& ids) {
  if (piece.size() > k_longest_met) return encoding_.append(piece, ids);
  auto found = met_.find(piece);
  if (found == met_.end()) {
    if (met_.size() == k_most_met) met_.clear();
    found = met_.try_emplace(std::string(piece)).first;
    encoding_.append(piece, found->second);
  }
  ids.insert(ids.end(), found->second.begin(), found->second.end());
}

std::string tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= size())
      throw bad_input("id {} at place {} is no token; the ids are 0 to {}", ids[i], i, size() - 1);
    text += known_.tokens[std::size_t(ids[i])];
  }
  return text;
}

tokenizer read_tokenizer(const std::string& folder) { return tokenizer(read_vocabulary(folder)); }

}  // namespace assay::gpt2
