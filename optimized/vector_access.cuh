// Wide accesses for kernels over arrays: words of 16, 8, 4 or 2 bytes and the elements in them.
#pragma once

#include "optimized/simt/cache.cuh"
#include "optimized/simt/half.cuh"
#include "optimized/simt/pointer.cuh"
#include "optimized/simt/vector_types.cuh"

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {

// The unsigned type that one access of so many bytes moves.
template <int Bytes>
using access_word = std::conditional_t<
    Bytes == 16, uint4,
    std::conditional_t<Bytes == 8, uint2,
                       std::conditional_t<Bytes == 4, std::uint32_t, std::uint16_t>>>;

// The elements of T in one word, as floats. T: float, simt::bf16 or simt::fp16.
template <class T, int Bytes>
struct elements {
  static constexpr int k_count = Bytes / int(sizeof(T));
  float value[k_count];

  SIMT_DEVICE static elements unpacked(access_word<Bytes> word) {
    elements all;
    if constexpr (sizeof(T) == 4 || Bytes == 2) {
      T parts[k_count];
      memcpy(parts, &word, Bytes);
      SIMT_UNROLL
      for (int i = 0; i < k_count; ++i) all.value[i] = simt::to_float(parts[i]);
    } else {
      std::uint32_t pairs[k_count / 2];
      memcpy(pairs, &word, Bytes);
      SIMT_UNROLL
      for (int i = 0; i < k_count / 2; ++i) {
        const float2 pair = simt::unpack<T>(pairs[i]);
        all.value[2 * i] = pair.x;
        all.value[2 * i + 1] = pair.y;
      }
    }
    return all;
  }

  // Rounded to T once, pairs by the packed conversion.
  SIMT_DEVICE access_word<Bytes> packed() const {
    access_word<Bytes> word;
    if constexpr (sizeof(T) == 4 || Bytes == 2) {
      T parts[k_count];
      SIMT_UNROLL
      for (int i = 0; i < k_count; ++i) parts[i] = simt::from_float<T>(value[i]);
      memcpy(&word, parts, Bytes);
    } else {
      std::uint32_t pairs[k_count / 2];
      SIMT_UNROLL
      for (int i = 0; i < k_count / 2; ++i)
        pairs[i] = simt::pack<T>(value[2 * i], value[2 * i + 1]);
      memcpy(&word, pairs, Bytes);
    }
    return word;
  }
};

// Will what is read be read again soon, by this block or another? What will not is evicted first.
enum class reuse { no, yes };

// The first `here` elements at p (all of a word's, or fewer at an array's end; none if here <= 0)
// by one access where it is whole. The others are 0. p must be aligned to Bytes where the word is
// whole.
template <class T, int Bytes, reuse Again = reuse::no>
SIMT_DEVICE elements<T, Bytes> load_part(simt::global<const T> p, std::int64_t here) {
  using chunk = elements<T, Bytes>;
  if (here >= chunk::k_count) {
    const auto word = simt::view<access_word<Bytes>>(p);
    if constexpr (Again == reuse::yes) return chunk::unpacked(simt::load_nc(word));
    return chunk::unpacked(simt::load_cs(word));
  }
  chunk all{};
  SIMT_UNROLL
  for (int e = 0; e < chunk::k_count; ++e)
    if (e < here) all.value[e] = simt::to_float(T(p[e]));
  return all;
}

template <class T, int Bytes>
SIMT_DEVICE void store_part(simt::global<T> p, const elements<T, Bytes>& all, std::int64_t here) {
  using chunk = elements<T, Bytes>;
  if (here >= chunk::k_count) {
    simt::store_cs(simt::view<access_word<Bytes>>(p), all.packed());
    return;
  }
  SIMT_UNROLL
  for (int e = 0; e < chunk::k_count; ++e)
    if (e < here) p[e] = simt::from_float<T>(all.value[e]);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
