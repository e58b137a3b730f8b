#include "tools/gpt2/byte_pair_encoding.hpp"

#include <cstddef>
#include <functional>
#include <queue>
#include <utility>

namespace assay::gpt2 {
namespace {

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return std::uint64_t(std::uint32_t(left)) << 32 | std::uint32_t(right);
}

}  // namespace

// The tokens of one piece as a linked list in an array, and a heap of the neighbours that have a
// merge. The heap may hold neighbours that are no more: a rank belongs to one pair, so that an
// entry whose place has another pair, or none, by now shows as such.
class merging {
 public:
  merging(const byte_pair_encoding& encoding, std::string_view piece) : encoding_(encoding) {
    tokens_.reserve(piece.size());
    for (const char byte : piece) {
      const auto at = std::ptrdiff_t(tokens_.size());
      tokens_.push_back({encoding.byte_ids_[std::uint8_t(byte)], at - 1, at + 1});
    }
    for (std::ptrdiff_t at = 0; at < size(); ++at) consider(at);
    while (!waiting_.empty()) merge_lowest_rank();
  }

  void append_to(std::vector<std::int32_t>& ids) const {
    for (std::ptrdiff_t at = 0; at < size(); at = token(at).next) ids.push_back(token(at).id);
  }

 private:
  struct entry {
    std::int32_t id;  // k_gone: part of the token before it
    std::ptrdiff_t previous, next;
  };
  static constexpr std::int32_t k_gone = -1;

  std::ptrdiff_t size() const { return std::ptrdiff_t(tokens_.size()); }
  entry& token(std::ptrdiff_t at) { return tokens_[std::size_t(at)]; }
  const entry& token(std::ptrdiff_t at) const { return tokens_[std::size_t(at)]; }

  const byte_pair_encoding::ranked* merge_at(std::ptrdiff_t at) const {
    if (at < 0 || token(at).id == k_gone || token(at).next == size()) return nullptr;
    return encoding_.find(token(at).id, token(token(at).next).id);
  }

  void consider(std::ptrdiff_t at) {
    if (const auto* const found = merge_at(at)) waiting_.emplace(found->rank, at);
  }

  // Everywhere, from left to right, and only then is it looked at what stands beside the new
  // tokens: where two pairs give the same token, a merge of that token with a neighbour may rank
  // lower than the one under way, and must wait for it.
  void merge_lowest_rank() {
    const std::int32_t rank = waiting_.top().first;
    std::vector<std::ptrdiff_t>& merged = merged_;
    merged.clear();
    while (!waiting_.empty() && waiting_.top().first == rank) {
      const std::ptrdiff_t at = waiting_.top().second;
      waiting_.pop();
      const auto* const found = merge_at(at);
      if (!found || found->rank != rank) continue;
      join(at, found->whole);
      merged.push_back(at);
    }
    for (const std::ptrdiff_t at : merged) {
      consider(token(at).previous);
      consider(at);
    }
  }

  void join(std::ptrdiff_t at, std::int32_t whole) {
    entry& left = token(at);
    entry& right = token(left.next);
    left.id = whole;
    left.next = right.next;
    right.id = k_gone;
    if (left.next < size()) token(left.next).previous = at;
  }

  using waiting = std::pair<std::int32_t, std::ptrdiff_t>;  // rank, place of the left token
  const byte_pair_encoding& encoding_;
  std::vector<entry> tokens_;
  std::priority_queue<waiting, std::vector<waiting>, std::greater<>> waiting_;
  std::vector<std::ptrdiff_t> merged_;
};

byte_pair_encoding::byte_pair_encoding(const vocabulary& known) : byte_ids_(256, 0) {
  for (std::size_t id = 0; id < known.tokens.size(); ++id)
    if (const std::string& token = known.tokens[id]; token.size() == 1)
      byte_ids_[std::uint8_t(token.front())] = std::int32_t(id);
  merges_.reserve(known.merges.size());
  for (std::size_t rank = 0; rank < known.merges.size(); ++rank) {
    const merge& m = known.merges[rank];
    merges_.try_emplace(pair_key(m.left, m.right), ranked{std::int32_t(rank), m.whole});
  }
}

const byte_pair_encoding::ranked* byte_pair_encoding::find(std::int32_t left,
                                                           std::int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void byte_pair_encoding::append(std::string_view piece, std::vector<std::int32_t>& ids) const {
  merging(*this, piece).append_to(ids);
}

}  // namespace assay::gpt2
