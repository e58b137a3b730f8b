// The kernel that applies a scalar function to every element: y = f(x), or dx = f(x, dy).
//
// Memory-bound work, built for the memory system: a thread moves k_map_words words of 16 bytes of
// each array, neighbouring threads neighbouring words, all of its loads in flight before the first
// result is computed. Arithmetic is fp32; each result is rounded once, to the output's type.
//
// Any alignment: where all arrays have the same address modulo 16, the elements before the first
// 16-byte boundary and behind the last are done one by one; arrays that are misaligned against each
// other are done element by element. Sizes are 64-bit. In place is allowed: an element is read
// before it is written, by the thread that writes it. The output may overlay any input.
#pragma once

#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_map_threads = 256;
inline constexpr int k_map_words = 4;  // per thread and array: 64 bytes in flight
inline constexpr std::int64_t k_map_block = k_map_threads * k_map_words;  // words a block owns

template <class T, int Inputs>
struct map_inputs {
  simt::global<const T> at[Inputs];
};

// Which elements are covered by whole words; the others, before and behind, are done singly by the
// first and the last block.
struct word_layout {
  std::int64_t count = 0;  // elements
  std::int64_t head = 0;   // elements before the first whole word
  std::int64_t words = 0;
};

// F::k_inputs is 1 or 2; float operator()(float x) const, or (float x, float dy) const.
template <class F>
SIMT_DEVICE float applied(const F& f, const float (&in)[F::k_inputs]) {
  if constexpr (F::k_inputs == 1)
    return f(in[0]);
  else
    return f(in[0], in[1]);
}

template <class F, class T>
SIMT_DEVICE void map_single(const map_inputs<T, F::k_inputs>& from, simt::global<T> to,
                            std::int64_t i, const F& f) {
  float in[F::k_inputs];
  SIMT_UNROLL
  for (int a = 0; a < F::k_inputs; ++a) in[a] = simt::to_float(T(from.at[a][i]));
  to[i] = simt::from_float<T>(applied(f, in));
}

template <class F, class T, int Bytes>
__global__ void __launch_bounds__(k_map_threads)
    map(map_inputs<T, F::k_inputs> from, simt::global<T> to, word_layout layout, F f) {
  using word = access_word<Bytes>;
  using chunk = elements<T, Bytes>;
  const std::int64_t first = std::int64_t(blockIdx.x) * k_map_block + threadIdx.x;

  word loaded[k_map_words][F::k_inputs];
  SIMT_UNROLL
  for (int k = 0; k < k_map_words; ++k) {
    const std::int64_t i = first + k * k_map_threads;
    if (i >= layout.words) continue;
    SIMT_UNROLL
    for (int a = 0; a < F::k_inputs; ++a)
      loaded[k][a] = simt::load_cs(simt::view<word>(from.at[a] + layout.head) + i);
  }
  SIMT_UNROLL
  for (int k = 0; k < k_map_words; ++k) {
    const std::int64_t i = first + k * k_map_threads;
    if (i >= layout.words) continue;
    chunk in[F::k_inputs], out;
    SIMT_UNROLL
    for (int a = 0; a < F::k_inputs; ++a) in[a] = chunk::unpacked(loaded[k][a]);
    SIMT_UNROLL
    for (int e = 0; e < chunk::k_count; ++e) {
      float each[F::k_inputs];
      SIMT_UNROLL
      for (int a = 0; a < F::k_inputs; ++a) each[a] = in[a].value[e];
      out.value[e] = applied(f, each);
    }
    simt::store_cs(simt::view<word>(to + layout.head) + i, out.packed());
  }

  if (blockIdx.x == 0 && threadIdx.x < layout.head) map_single(from, to, threadIdx.x, f);
  const std::int64_t behind = layout.head + layout.words * chunk::k_count + threadIdx.x;
  if (blockIdx.x == gridDim.x - 1 && behind < layout.count) map_single(from, to, behind, f);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
