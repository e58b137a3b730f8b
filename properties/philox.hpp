// Philox 4x32-10, the counter-based generator of all data in assay.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// section 3.3; the published test vectors are in test/philox_test.cpp. Integers only, no state: an
// element's value depends on its key and counter and on nothing else, so any part of a tensor can
// be made alone and in any order, with the same bits on every machine.
#pragma once

#include <array>
#include <cstdint>

namespace assay::properties {

using philox_counter = std::array<std::uint32_t, 4>;
using philox_key = std::array<std::uint32_t, 2>;

// Ten rounds of the bijection that `key` selects, applied to `counter`.
constexpr philox_counter philox(philox_counter counter, philox_key key) {
  constexpr std::uint64_t k_multiplier_0 = 0xD2511F53, k_multiplier_1 = 0xCD9E8D57;
  constexpr std::uint32_t k_weyl_0 = 0x9E3779B9, k_weyl_1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = k_multiplier_0 * counter[0];
    const std::uint64_t product_1 = k_multiplier_1 * counter[2];
    counter = {std::uint32_t(product_1 >> 32) ^ counter[1] ^ key[0], std::uint32_t(product_1),
               std::uint32_t(product_0 >> 32) ^ counter[3] ^ key[1], std::uint32_t(product_0)};
    key = {key[0] + k_weyl_0, key[1] + k_weyl_1};
  }
  return counter;
}

// The draws that belong to one element of one tensor: a stream of 32-bit words, as many as asked.
class element_stream {
 public:
  // seed selects the bijection; (tensor, element) is the element's address, 32 and 64 bits.
  constexpr element_stream(std::uint64_t seed, std::uint32_t tensor, std::uint64_t element)
      : key_{std::uint32_t(seed), std::uint32_t(seed >> 32)},
        counter_{std::uint32_t(element), std::uint32_t(element >> 32), tensor, 0} {}

  constexpr std::uint32_t word() {
    if (used_ == 4) {
      words_ = philox(counter_, key_);
      ++counter_[3];
      used_ = 0;
    }
    return words_[used_++];
  }

  // Uniform in [0, 1): a multiple of 2^-53, exact.
  constexpr double uniform() {
    const std::uint64_t high = word() >> 5, low = word() >> 6;
    return double((high << 26) | low) * 0x1p-53;
  }

  // Uniform in {0, ..., n - 1}, n < 2^32; off uniformity by at most n 2^-64.
  constexpr std::uint32_t below(std::uint32_t n) {
    const std::uint64_t high = word(), low = word();
    const std::uint64_t folded = high * n + ((low * n) >> 32);
    return std::uint32_t(folded >> 32);
  }

 private:
  philox_key key_;
  philox_counter counter_;
  philox_counter words_{};
  unsigned used_ = 4;
};

}  // namespace assay::properties
