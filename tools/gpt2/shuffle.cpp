#include "tools/gpt2/shuffle.hpp"

#include "properties/philox.hpp"

#include <algorithm>
#include <bit>

namespace assay::gpt2 {
namespace {

// The last word of the Philox counters of this file: no other user of a seed draws so far on.
constexpr std::uint32_t k_domain = 0x53480000, k_of_key = 0x8000;

// With q = n/2 and n <= 2^b, (3/4)^(r/2 + 1) < 2^-(32 + 1 + 3b/2) suffices, and log2(4/3) > 0.415.
std::uint32_t rounds_for(std::int64_t n) {
  const auto bits = std::uint32_t(std::bit_width(std::uint64_t(n)));
  return 2 * ((66 + 3 * bits) * 100 / 83 + 1);
}

}  // namespace

shuffle::shuffle(std::int64_t n, std::uint64_t seed, std::uint32_t number)
    : n_(n), key_{std::uint32_t(seed), std::uint32_t(seed >> 32)}, number_(number) {
  for (std::uint32_t round = 0; round < rounds_for(n); ++round) {
    const auto words = properties::philox({0, 0, number_, k_domain | k_of_key | round}, key_);
    const std::uint64_t word = std::uint64_t(words[1]) << 32 | words[0];
    partners_.push_back(std::int64_t(word % std::uint64_t(n_)));  // uniform but for n 2^-64
  }
}

std::int64_t shuffle::operator()(std::int64_t i) const {
  for (std::uint32_t round = 0; round < partners_.size(); ++round) {
    std::int64_t partner = partners_[round] - i;
    if (partner < 0) partner += n_;
    const auto both = std::uint64_t(std::max(i, partner));
    const auto words = properties::philox(
        {std::uint32_t(both), std::uint32_t(both >> 32), number_, k_domain | round}, key_);
    if (words[0] & 1) i = partner;
  }
  return i;
}

}  // namespace assay::gpt2
