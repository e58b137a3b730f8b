// The places of ids in the order of their ids, equal ones as they stand: a radix sort from the
// lowest digit up (Knuth, TAOCP 3, 5.2.5, algorithm R). Each pass is stable, so that what comes out
// is the same in every run. Three kernels a pass: a block counts the digits of its tile, one block
// turns the counts into places, and the blocks put their tiles there.
//
// Ids that are no row of the table count as `tokens`, and come last.
#pragma once

#include "optimized/embedding.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_digit_bits = 8, k_digits = 1 << k_digit_bits;
static_assert(k_digits == k_embedding_threads, "a thread a digit");
inline constexpr int k_sort_rounds = 16;  // of a tile: a place for each thread
inline constexpr std::int64_t k_sort_tile = std::int64_t(k_sort_rounds) * k_embedding_threads;

// One pass: digit `shift / 8` of the ids. from: null in the first, where places are in order.
struct sort_pass {
  simt::global<const std::int32_t> ids, from;
  simt::global<std::int32_t> to;
  simt::global<std::int32_t> counts;  // [digits, tiles]; first counts, then places
  embedding_size size;
  std::int64_t tiles = 0;
  int shift = 0;
  bool first = false;

  SIMT_DEVICE int place(std::int64_t i) const { return first ? int(i) : int(from[i]); }
  SIMT_DEVICE int digit(int place) const {
    const int id = ids[place];
    return (size.has(id) ? id : int(size.tokens)) >> shift & (k_digits - 1);
  }
};

__global__ void __launch_bounds__(k_embedding_threads) embedding_count_digits(sort_pass p);
__global__ void __launch_bounds__(k_embedding_threads) embedding_place_digits(sort_pass p);
__global__ void __launch_bounds__(k_embedding_threads) embedding_move_places(sort_pass p);

// firsts[n], n from 0 to `tokens`: how many ids are smaller than n, a thread each, by bisection.
__global__ void __launch_bounds__(k_embedding_threads)
    embedding_find_firsts(simt::global<const std::int32_t> ids,
                          simt::global<const std::int32_t> sorted,
                          simt::global<std::int32_t> firsts, embedding_size size);

}  // namespace assay::optimized::inline ASSAY_BUILD
