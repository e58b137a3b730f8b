// A pseudo-random order of 0, 1, ..., n - 1 of which any element is found alone, in O(log n) time
// and memory: the swap-or-not shuffle over Philox.
//
// Source: Hoang, Morris, Rogaway, "An enciphering scheme based on a card shuffle", CRYPTO 2012,
// section 2: in each round every i has a partner k - i mod n, k a key of the round, and a bit that
// both share says whether they change places. After r rounds of ideal bits, the places of any q
// elements differ from those in a uniform order by at most (section 3)
//   2 n^(3/2) / (r + 2) ((q + n) / 2n)^(r/2 + 1)
// in total variation. Here r makes that less than 2^-32 for half of the elements.
#pragma once

#include "properties/philox.hpp"

#include <cstdint>
#include <vector>

namespace assay::gpt2 {

class shuffle {
 public:
  // 0 < n < 2^62. Another seed or another number is another order.
  shuffle(std::int64_t n, std::uint64_t seed, std::uint32_t number);

  // The element at place i, 0 <= i < n.
  std::int64_t operator()(std::int64_t i) const;

 private:
  std::int64_t n_;
  properties::philox_key key_;
  std::uint32_t number_;
  std::vector<std::int64_t> partners_;  // of 0, in each round
};

}  // namespace assay::gpt2
