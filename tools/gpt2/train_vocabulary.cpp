#include "tools/gpt2/train_vocabulary.hpp"

#include "properties/bad_input.hpp"
#include "tools/gpt2/byte_characters.hpp"
#include "tools/gpt2/pre_tokenizer.hpp"

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace assay::gpt2 {
namespace {

constexpr std::int64_t k_least_size = 257;  // the bytes and <|endoftext|>

using token_pair = std::pair<std::int32_t, std::int32_t>;

struct word {
  std::vector<std::int32_t> ids;
  std::int64_t count;  // how often the piece stands in the text
};

class trainer {
 public:
  explicit trainer(std::string_view text) {
    std::array<std::int32_t, 256> id_of_byte{};
    for (const std::uint8_t byte : bytes_by_character()) {
      id_of_byte[byte] = std::int32_t(known_.tokens.size());
      add_token(std::string(1, char(byte)));
    }
    std::map<std::string_view, std::int64_t> pieces;
    pre_tokenizer().split(text, [&](std::string_view piece) { ++pieces[piece]; });
    for (const auto& [piece, count] : pieces) {
      words_.push_back({{}, count});
      for (const char byte : piece) words_.back().ids.push_back(id_of_byte[std::uint8_t(byte)]);
      count_pairs(words_.size() - 1, +1);
    }
  }

  vocabulary train(const vocabulary_request& request) {
    while (std::int64_t(known_.tokens.size()) < request.size - 1) {
      const auto pair = most_frequent(request.least_count);
      if (!pair)
        throw bad_input(
            "the text gives a vocabulary of {} tokens, {} were asked for: no other pair stands "
            "there {} times",
            known_.tokens.size() + 1, request.size, request.least_count);
      merge_everywhere(*pair);
    }
    add_token(std::string(k_end_of_text));
    return std::move(known_);
  }

 private:
  struct frequency {
    std::int64_t count;
    token_pair pair;
    bool operator<(const frequency& other) const {  // the greatest is merged first
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  // The token's id. Two pairs may give the same token: it is there once.
  std::int32_t add_token(std::string bytes) {
    const auto id = std::int32_t(known_.tokens.size());
    const auto [found, is_new] = ids_.try_emplace(bytes, id);
    if (is_new) known_.tokens.push_back(std::move(bytes));
    return found->second;
  }

  void count_pairs(std::size_t index, int sign) {
    const word& w = words_[index];
    for (std::size_t i = 0; i + 1 < w.ids.size(); ++i) {
      const token_pair pair = {w.ids[i], w.ids[i + 1]};
      std::int64_t& count = counts_[pair];
      count += sign * w.count;
      if (sign > 0) words_with_[pair].insert(index);
      waiting_.push({count, pair});
    }
  }

  // The heap holds every count that a pair ever had; only the last one counts.
  std::optional<token_pair> most_frequent(std::int64_t least_count) {
    while (!waiting_.empty()) {
      const auto [count, pair] = waiting_.top();
      if (count < least_count) return std::nullopt;
      if (counts_[pair] == count) return pair;
      waiting_.pop();
    }
    return std::nullopt;
  }

  void merge_everywhere(const token_pair& pair) {
    const auto [left, right] = pair;
    const std::int32_t whole =
        add_token(known_.tokens[std::size_t(left)] + known_.tokens[std::size_t(right)]);
    known_.merges.push_back({left, right, whole});
    const std::set<std::size_t> where = std::move(words_with_[pair]);
    for (const std::size_t index : where) {
      count_pairs(index, -1);
      merge_in(words_[index].ids, known_.merges.back());
      count_pairs(index, +1);
    }
    counts_.erase(pair);
    words_with_.erase(pair);
  }

  static void merge_in(std::vector<std::int32_t>& ids, const merge& m) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const bool here = i + 1 < ids.size() && ids[i] == m.left && ids[i + 1] == m.right;
      ids[kept++] = here ? m.whole : ids[i];
      if (here) ++i;
    }
    ids.resize(kept);
  }

  vocabulary known_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::vector<word> words_;
  std::map<token_pair, std::int64_t> counts_;
  std::map<token_pair, std::set<std::size_t>> words_with_;  // or once had
  std::priority_queue<frequency> waiting_;
};

}  // namespace

vocabulary train_vocabulary(std::string_view text, const vocabulary_request& request) {
  if (request.size < k_least_size || request.size > std::numeric_limits<std::int32_t>::max())
    throw bad_input("a vocabulary of {} tokens: it must have at least {}, for 256 bytes and {}",
                    request.size, k_least_size, k_end_of_text);
  if (request.least_count < 1)
    throw bad_input("a pair that stands in a text {} times: at least once was expected",
                    request.least_count);
  return trainer(text).train(request);
}

}  // namespace assay::gpt2
