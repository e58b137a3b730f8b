// Byte-pair encoding of one piece of text.
//
// The tokens of a piece are, at first, those of its single bytes. Then, as long as any two
// neighbours have a merge: the pair of the lowest rank is merged wherever it stands, from left to
// right. Source: Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword
// units", ACL 2016, algorithm 1; over bytes: Radford et al. 2019, section 2.2.
#pragma once

#include "tools/gpt2/vocabulary.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace assay::gpt2 {

class byte_pair_encoding {
 public:
  // `known` as parse_vocabulary and train_vocabulary make it: with a token for every byte.
  explicit byte_pair_encoding(const vocabulary& known);

  // Appends the ids of `piece`, of n bytes, in O(n log n).
  void append(std::string_view piece, std::vector<std::int32_t>& ids) const;

 private:
  struct ranked {
    std::int32_t rank, whole;
  };
  const ranked* find(std::int32_t left, std::int32_t right) const;
  friend class merging;

  std::vector<std::int32_t> byte_ids_;                // by byte
  std::unordered_map<std::uint64_t, ranked> merges_;  // by pair
};

}  // namespace assay::gpt2
