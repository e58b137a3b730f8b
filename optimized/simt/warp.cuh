// Operations of a warp: __syncwarp, shuffles, votes, __match_any_sync, __reduce_*_sync, as CUDA has
// them. All but __syncwarp exchange values and order no memory.
#pragma once

#include "optimized/simt/build.cuh"

#if !defined(__CUDACC__)

#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace assay::simt::inline ASSAY_BUILD {

inline constexpr unsigned k_full_warp = 0xffffffffu;

enum class shuffle_source { index, up, down, exclusive_or };

// The emulator's side, on the bits of a value (emulator/warp.cpp).
std::uint64_t shuffle_bits(shuffle_source source, std::uint32_t lanes, std::uint64_t bits,
                           int argument, int width, std::source_location where);
std::uint32_t match_bits(std::uint32_t lanes, std::uint64_t bits, std::source_location where);

template <class T>
concept shuffled = std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8);

template <shuffled T>
std::uint64_t shuffle_representation(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <shuffled T>
T shuffle(shuffle_source source, std::uint32_t lanes, T value, int argument, int width,
          std::source_location where) {
  const std::uint64_t bits =
      shuffle_bits(source, lanes, shuffle_representation(value), argument, width, where);
  T result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

template <shuffled T>
T __shfl_sync(unsigned lanes, T value, int source_lane, int width = 32,
              std::source_location where = std::source_location::current()) {
  return shuffle(shuffle_source::index, lanes, value, source_lane, width, where);
}
template <shuffled T>
T __shfl_up_sync(unsigned lanes, T value, unsigned delta, int width = 32,
                 std::source_location where = std::source_location::current()) {
  return shuffle(shuffle_source::up, lanes, value, static_cast<int>(delta), width, where);
}
template <shuffled T>
T __shfl_down_sync(unsigned lanes, T value, unsigned delta, int width = 32,
                   std::source_location where = std::source_location::current()) {
  return shuffle(shuffle_source::down, lanes, value, static_cast<int>(delta), width, where);
}
template <shuffled T>
T __shfl_xor_sync(unsigned lanes, T value, int lane_mask, int width = 32,
                  std::source_location where = std::source_location::current()) {
  return shuffle(shuffle_source::exclusive_or, lanes, value, lane_mask, width, where);
}

template <shuffled T>
unsigned __match_any_sync(unsigned lanes, T value,
                          std::source_location where = std::source_location::current()) {
  return match_bits(lanes, shuffle_representation(value), where);
}

void __syncwarp(unsigned lanes = k_full_warp,
                std::source_location where = std::source_location::current());
// Only the calling lane: any more would be luck, which CUDA does not promise either.
unsigned __activemask();

int __all_sync(unsigned lanes, int predicate,
               std::source_location where = std::source_location::current());
int __any_sync(unsigned lanes, int predicate,
               std::source_location where = std::source_location::current());
unsigned __ballot_sync(unsigned lanes, int predicate,
                       std::source_location where = std::source_location::current());

int __reduce_add_sync(unsigned lanes, int value,
                      std::source_location where = std::source_location::current());
int __reduce_min_sync(unsigned lanes, int value,
                      std::source_location where = std::source_location::current());
int __reduce_max_sync(unsigned lanes, int value,
                      std::source_location where = std::source_location::current());
unsigned __reduce_add_sync(unsigned lanes, unsigned value,
                           std::source_location where = std::source_location::current());
unsigned __reduce_min_sync(unsigned lanes, unsigned value,
                           std::source_location where = std::source_location::current());
unsigned __reduce_max_sync(unsigned lanes, unsigned value,
                           std::source_location where = std::source_location::current());
unsigned __reduce_and_sync(unsigned lanes, unsigned value,
                           std::source_location where = std::source_location::current());
unsigned __reduce_or_sync(unsigned lanes, unsigned value,
                          std::source_location where = std::source_location::current());
unsigned __reduce_xor_sync(unsigned lanes, unsigned value,
                           std::source_location where = std::source_location::current());

}  // namespace assay::simt::inline ASSAY_BUILD

using assay::simt::__activemask;
using assay::simt::__all_sync;
using assay::simt::__any_sync;
using assay::simt::__ballot_sync;
using assay::simt::__match_any_sync;
using assay::simt::__reduce_add_sync;
using assay::simt::__reduce_and_sync;
using assay::simt::__reduce_max_sync;
using assay::simt::__reduce_min_sync;
using assay::simt::__reduce_or_sync;
using assay::simt::__reduce_xor_sync;
using assay::simt::__shfl_down_sync;
using assay::simt::__shfl_sync;
using assay::simt::__shfl_up_sync;
using assay::simt::__shfl_xor_sync;
using assay::simt::__syncwarp;

#else

namespace assay::simt::inline ASSAY_BUILD {
inline constexpr unsigned k_full_warp = 0xffffffffu;
}

#endif
