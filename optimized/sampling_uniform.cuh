// The number in [0, 1) that draws a row's token, as r / 2^53 with a whole r: from a tensor, or of
// the row's own sequence and position.
#pragma once

#include "optimized/simt/simt.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr std::int64_t k_no_uniform = -1;

// u of each row, in fp32; of one below 2^-29 what lies below 2^-53 is cut off. One that is not in
// [0, 1) draws nothing.
struct given_uniform {
  simt::global<const float> u;

  SIMT_DEVICE std::int64_t of_row(std::int64_t row) const {
    const float given = u[row];
    return given >= 0.0f && given < 1.0f ? std::int64_t(given * 0x1p53f) : k_no_uniform;
  }
};

// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011, section 3.3) of the key `seed` and the counter (position, 0, sequence, 0): the upper 27
// bits of its first word, then the upper 26 of its second. A row's number knows its seed, sequence
// and position, and nothing else of the batch.
struct philox_uniform {
  simt::global<const std::int32_t> sequences, positions;
  std::uint32_t seed_low = 0, seed_high = 0;

  SIMT_DEVICE std::int64_t of_row(std::int64_t row) const {
    std::uint32_t a = std::uint32_t(int(positions[row])), b = 0,
                  c = std::uint32_t(int(sequences[row])), d = 0;
    std::uint32_t low = seed_low, high = seed_high;
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t of_a = std::uint64_t(a) * 0xD2511F53u,
                          of_c = std::uint64_t(c) * 0xCD9E8D57u;
      a = std::uint32_t(of_c >> 32) ^ b ^ low;
      b = std::uint32_t(of_c);
      c = std::uint32_t(of_a >> 32) ^ d ^ high;
      d = std::uint32_t(of_a);
      low += 0x9E3779B9u;
      high += 0xBB67AE85u;
    }
    return std::int64_t(a >> 5) << 26 | std::int64_t(b >> 6);
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
