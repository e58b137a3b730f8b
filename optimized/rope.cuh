// Rotary position embedding: of each head of d elements the pairs (x_j, x_(j + d/2)) are rotated by
// the angle p w_j (rope_angles.cuh), forward; by its opposite, backward. Tensors are [batch, t,
// heads, d].
//
// A block owns the heads of one position of one sequence. A thread owns some neighbouring pairs,
// whose rotations it has or computes once, and takes them through every head of its turn. y may
// overlay x. Position 0 is copied: it rotates nothing, not even infinities.
#pragma once

#include "optimized/math/turns.cuh"
#include "optimized/rope_angles.cuh"
#include "optimized/simt/simt.cuh"
#include "optimized/vector_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

struct rope_shape {
  std::int64_t batch = 0, positions = 0, heads = 0, pairs = 0;
  std::int64_t first = 0;  // the position of index 0

  std::int64_t head() const { return 2 * pairs; }
};

// Rotations computed by whoever needs them.
struct direct_rotations {
  simt::global<const std::uint64_t> steps;

  SIMT_DEVICE math::cosine_and_sine at(const rope_shape& of, std::int64_t i, std::int64_t j) const {
    return math::rotation_of(std::uint64_t(of.first + i) * simt::load_nc(steps + j));
  }
};

// The angle as one product in fp32, whose digits go as positions grow.
struct fp32_rotations {
  simt::global<const float> frequencies;

  SIMT_DEVICE math::cosine_and_sine at(const rope_shape& of, std::int64_t i, std::int64_t j) const {
    return math::rotation_of(math::phase_of(float(of.first + i) * simt::load_nc(frequencies + j)));
  }
};

// Rotations of all positions and pairs, computed before: [positions, pairs] of (cosine, sine).
struct tabled_rotations {
  simt::global<const float2> table;

  SIMT_DEVICE math::cosine_and_sine at(const rope_shape& of, std::int64_t i, std::int64_t j) const {
    const float2 both = simt::load_nc(table + (i * of.pairs + j));
    return {both.x, both.y};
  }
};

__global__ void __launch_bounds__(k_rope_threads)
    rope_fill_table(simt::global<float2> table, direct_rotations from, rope_shape of);

// Words of Bytes, the size of an element where the rows of half heads are not aligned to 16.
template <class T, int Bytes, bool Forward, class Rotations>
__global__ void __launch_bounds__(k_rope_threads)
    rope_rotate(simt::global<const T> x, simt::global<T> y, Rotations rotations, rope_shape of) {
  using chunk = elements<T, Bytes>;
  const std::int64_t i = std::int64_t(blockIdx.x) % of.positions, words = of.pairs / chunk::k_count;
  const auto lanes = int(words < k_rope_threads ? words : k_rope_threads);
  const int turns = k_rope_threads / lanes, turn = int(threadIdx.x) / lanes;
  if (turn >= turns || turn >= of.heads) return;
  const std::int64_t row = std::int64_t(blockIdx.x) * of.heads * 2 * of.pairs;
  for (std::int64_t word = int(threadIdx.x) % lanes; word < words; word += lanes) {
    const std::int64_t j = word * chunk::k_count;
    math::cosine_and_sine by[chunk::k_count];
    SIMT_UNROLL
    for (int e = 0; e < chunk::k_count; ++e) {
      by[e] = rotations.at(of, i, j + e);
      if (!Forward) by[e].sine = -by[e].sine;
    }
    for (std::int64_t h = turn; h < of.heads; h += turns) {
      const std::int64_t low = row + h * 2 * of.pairs + j, high = low + of.pairs;
      const chunk a = load_part<T, Bytes>(x + low, chunk::k_count),
                  b = load_part<T, Bytes>(x + high, chunk::k_count);
      chunk out_a = a, out_b = b;
      if (of.first + i != 0) {
        SIMT_UNROLL
        for (int e = 0; e < chunk::k_count; ++e) {
          out_a.value[e] = fmaf(a.value[e], by[e].cosine, -(b.value[e] * by[e].sine));
          out_b.value[e] = fmaf(b.value[e], by[e].cosine, a.value[e] * by[e].sine);
        }
      }
      store_part<T, Bytes>(y + low, out_a, chunk::k_count);
      store_part<T, Bytes>(y + high, out_b, chunk::k_count);
    }
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
