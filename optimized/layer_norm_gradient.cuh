// Gradients of layer norm, from what the forward pass left:
//
//   dx = rstd (w - mean(w) - xhat mean(w xhat)), w = gamma dy, xhat = (x - mean) rstd
//   dgamma = sum over rows of dy xhat            dbeta = sum over rows of dy
//
// Sums over rows are taken without atomics, in an order that depends on the shape alone: a block
// owns `rows_each` neighbouring rows and adds them up, each of its channels in registers, writes
// its part to scratch memory, [blocks, 2, c], and a second kernel adds the parts. `one_pass` takes
// dx from the same registers, so that x and dy are read once; dx may overlay dy. With a residual,
// the gradient of the sum from elsewhere is added to dx.
#pragma once

#include "optimized/layer_norm.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <class T>
struct layer_norm_gradient_problem {
  matrix_rows<const T> dy, x, dsum;  // dsum: where there is one
  simt::global<const T> gamma;
  simt::global<const float> mean, rstd;
  matrix_rows<T> dx;
  simt::global<float> partial;
  std::int64_t count, length;
  std::int64_t rows_each;  // of a block
};

inline constexpr int k_parameter_columns = 32, k_parameter_slices = k_row_threads / 32;

// One row of a team of threads, in registers: adds what it has of dgamma and dbeta, and writes dx.
template <class T, bool Residual, int Bytes, int Threads>
struct layer_norm_gradient_row {
  static constexpr int k_group = k_row_group<T>, k_groups = k_row_groups<T>;
  const layer_norm_gradient_problem<T>& p;
  int lane;
  float gamma[k_groups][k_group] = {}, dgamma[k_groups][k_group] = {},
        dbeta[k_groups][k_group] = {};

  SIMT_DEVICE std::int64_t first_of(int g) const {
    return (std::int64_t(g) * Threads + lane) * k_group;
  }
  SIMT_DEVICE void load_gamma() {
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g)
      load_group<T, Bytes>(p.gamma, first_of(g), p.length, gamma[g]);
  }
  // What lies beyond the row's end has dy = 0: it adds nothing to any sum.
  template <class Parts>
  SIMT_DEVICE void take(std::int64_t row, Parts& sums, Parts& dots) {
    float xhat[k_groups][k_group], w[k_groups][k_group];
    const float mean = p.mean[row], rstd = p.rstd[row], n = layer_norm_divisor(p.length);
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) {
      load_group<T, Bytes>(p.x[row], first_of(g), p.length, xhat[g]);
      load_group<T, Bytes>(p.dy[row], first_of(g), p.length, w[g]);
    }
    float sum = 0.0f, dot = 0.0f;
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) SIMT_UNROLL
    for (int e = 0; e < k_group; ++e) {
      if (first_of(g) + e >= p.length) continue;
      xhat[g][e] = (xhat[g][e] - mean) * rstd;
      dgamma[g][e] = fmaf(w[g][e], xhat[g][e], dgamma[g][e]);
      dbeta[g][e] += w[g][e];
      w[g][e] *= gamma[g][e];
      sum += w[g][e];
      dot = fmaf(w[g][e], xhat[g][e], dot);
    }
    sum = row_total<Threads>(sum, sums) / n;
    dot = row_total<Threads>(dot, dots) / n;
    SIMT_UNROLL
    for (int g = 0; g < k_groups; ++g) {
      float other[k_group] = {};
      if constexpr (Residual) load_group<T, Bytes>(p.dsum[row], first_of(g), p.length, other);
      SIMT_UNROLL
      for (int e = 0; e < k_group; ++e) {
        const float dx = rstd * fmaf(-xhat[g][e], dot, w[g][e] - sum);
        w[g][e] = Residual ? dx + other[e] : dx;
      }
      store_group<T, Bytes>(p.dx[row], first_of(g), p.length, w[g]);
    }
  }
};

// Of a block's teams, by channel: the sum of their parts, in the order of the teams. The parts of
// one group of every thread at a time lie in shared memory, element e of lane l at e (32 + 32 /
// group) + l: neighbours are written by a warp, and channels that a warp reads, e first, lie in
// different banks.
template <class Row, class Partial>
SIMT_DEVICE void add_up_teams(const Row& row, Partial partial, std::int64_t length) {
  constexpr int k_group = Row::k_group, k_step = 32 + 32 / k_group, k_teams = k_row_threads / 32;
  constexpr int k_part = k_group * k_step, k_channels = 32 * k_group;
  __shared__ simt::array<float, 2 * k_teams * k_part> parts;
  const int team = int(threadIdx.x) / 32;
  for (int g = 0; g < Row::k_groups; ++g) {
    if (std::int64_t(g) * k_channels >= length) break;  // for every thread
    if (g > 0) __syncthreads();                         // everybody has read what stood here before
    SIMT_UNROLL
    for (int other = 0; other < Row::k_groups; ++other) {
      if (other != g) continue;  // registers have no index but one that is known
      SIMT_UNROLL
      for (int e = 0; e < k_group; ++e) {
        parts[team * k_part + e * k_step + row.lane] = row.dgamma[other][e];
        parts[(k_teams + team) * k_part + e * k_step + row.lane] = row.dbeta[other][e];
      }
    }
    __syncthreads();  // every team's part is there before any thread reads them
    for (int i = int(threadIdx.x); i < 2 * k_channels; i += k_row_threads) {
      const int which = i / k_channels, channel = i % k_channels;
      const int at = channel % k_group * k_step + channel / k_group;
      float sum = parts[which * k_teams * k_part + at];
      for (int t = 1; t < k_teams; ++t) sum += parts[(which * k_teams + t) * k_part + at];
      const std::int64_t column = std::int64_t(g) * k_channels + channel;
      if (column < length) partial[which * length + column] = sum;
    }
  }
}

// Rows that fit into registers: Threads (32 or all of a block) a row.
template <class T, bool Residual, int Bytes, int Threads>
__global__ void __launch_bounds__(k_row_threads)
    layer_norm_gradient_one_pass(layer_norm_gradient_problem<T> p) {
  constexpr int k_teams = k_row_threads / Threads, k_warps = k_row_threads / 32;
  __shared__ simt::array<float, k_warps> sums;
  __shared__ simt::array<float, k_warps> dots;
  const std::int64_t begin = blockIdx.x * p.rows_each, last = begin + p.rows_each;
  const std::int64_t end = last < p.count ? last : p.count;
  layer_norm_gradient_row<T, Residual, Bytes, Threads> row{p, int(threadIdx.x) % Threads};
  std::int64_t at = begin + threadIdx.x / Threads;
  if (at < end) row.load_gamma();
  for (; at < end; at += k_teams) row.take(at, sums, dots);
  const auto partial = p.partial + blockIdx.x * 2 * p.length;
  if constexpr (Threads == 32) {
    add_up_teams(row, partial, p.length);
  } else {
    SIMT_UNROLL
    for (int g = 0; g < row.k_groups; ++g) SIMT_UNROLL
    for (int e = 0; e < row.k_group; ++e) {
      const std::int64_t column = row.first_of(g) + e;
      if (column >= p.length) continue;
      partial[column] = row.dgamma[g][e];
      partial[p.length + column] = row.dbeta[g][e];
    }
  }
}

// The parts of the blocks of each of 2 c columns, dgamma's and then dbeta's: slice s adds the parts
// s, s + 8, ..., then the first one the slices.
__global__ void __launch_bounds__(k_row_threads)
    layer_norm_parameter_sums(simt::global<const float> partial, std::int64_t blocks,
                              std::int64_t length, simt::global<float> dgamma,
                              simt::global<float> dbeta);

}  // namespace assay::optimized::inline ASSAY_BUILD
