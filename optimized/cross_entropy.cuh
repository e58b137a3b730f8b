// Cross-entropy of rows of logits and their targets, and its gradient: kernels.
//
//   loss = log sum e^(x_k) - x_t        dx_j = (e^(x_j) / sum e^(x_k) - [j = t]) factor
//
// over the first `live` columns; the others are not read, and have a gradient of 0. A row with a
// negative target counts nothing: its loss and its gradient are 0, and it is not read. A target
// that is no live column makes its row NaN. In a mean the factor is scale / (rows that count), in a
// sum scale itself.
//
// cross_entropy_three_pass reads a row three times, element by element. cross_entropy_staged holds
// it in shared memory, or a chunk of it, and so reads each row once, or all but a chunk of it
// twice. Rows begin anywhere: words of 16 bytes go to shared memory as they lie, and are added up
// by their columns, so that the bits of a row do not depend on where it lies. dx may overlay x.
#pragma once

#include "optimized/math/log1p.cuh"
#include "optimized/reduce.cuh"
#include "optimized/simt/simt.cuh"
#include "optimized/simt/special_function.cuh"
#include "optimized/softmax.cuh"
#include "optimized/staged_part.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_entropy_threads = 256;  // of a row in three passes; of counts and totals
inline constexpr int k_staged_group = 8;       // columns of a thread that are added at once
inline constexpr int k_staged_step = k_staged_threads * k_staged_group;

// e^x by IEEE operations, or 2^x by the special-function unit of x log2(e).
struct natural_exponentials : natural_power {
  SIMT_DEVICE float exponent(float below) const { return below; }
};
struct unit_exponentials {
  SIMT_DEVICE static float power(float t) { return simt::exp2_approx(t); }
  SIMT_DEVICE float exponent(float below) const { return below * 0x1.715476p+0f; }
};

template <class T>
struct cross_entropy_problem {
  matrix_rows<const T> logits;
  matrix_rows<T> gradient;
  simt::global<const std::int32_t> targets;
  simt::global<float> losses;
  simt::global<const std::int32_t> counted;  // of a mean: how many rows count
  std::int64_t rows = 0, columns = 0, live = 0;
  bool mean = false;
  float scale = 1;
  // Elements from a multiple of 16 bytes to the first row of logits, and of the gradient.
  int logits_lead = 0, gradient_lead = 0;

  SIMT_DEVICE float factor() const { return mean ? scale / float(int(counted[0])) : scale; }
};

// What a row comes to, once its largest score and its sum are known.
template <class Form>
struct cross_entropy_row {
  online_sum all;
  std::int64_t target;
  float factor, closing;
  bool known;  // is the target a live column?

  template <class T>
  SIMT_DEVICE cross_entropy_row(const cross_entropy_problem<T>& p, online_sum sum, int of)
      : all(sum), target(of), factor(p.factor()), closing(1.0f / sum.sum), known(of < p.live) {}

  // x: the target's score.
  SIMT_DEVICE float loss(float x) const {
    if (!known) return NAN;
    if (all.most == -INFINITY) return INFINITY;
    return math::log1p(all.sum - 1.0f) - (x - all.most);  // the sum is >= 1
  }
  SIMT_DEVICE float gradient(const Form& form, float x, std::int64_t column) const {
    if (!known) return NAN;
    const float share =
        all.most == -INFINITY ? 0.0f : form.power(form.exponent(x - all.most)) * closing;
    return (share - (column == target ? 1.0f : 0.0f)) * factor;
  }
};

// A row that counts nothing.
template <bool Gradient, class T>
SIMT_DEVICE void leave_out(const cross_entropy_problem<T>& p, std::int64_t row) {
  if (threadIdx.x == 0) p.losses[row] = 0.0f;
  if constexpr (Gradient)
    for (std::int64_t j = threadIdx.x; j < p.columns; j += blockDim.x)
      p.gradient[row][j] = simt::from_float<T>(0.0f);
}

// As it is written: a block a row.
template <class Form, bool Gradient, class T>
__global__ void __launch_bounds__(k_entropy_threads)
    cross_entropy_three_pass(cross_entropy_problem<T> p, Form form) {
  constexpr int k_warps = k_entropy_threads / 32;
  __shared__ simt::array<float, k_warps> maxima;
  __shared__ simt::array<float, k_warps> sums;
  const std::int64_t row = blockIdx.x;
  const int target = p.targets[row];
  if (target < 0) return leave_out<Gradient>(p, row);
  const auto score = [&](std::int64_t j) { return simt::to_float(T(p.logits[row][j])); };
  const float of_target = threadIdx.x == 0 && target < p.live ? score(target) : 0.0f;
  online_sum all;
  for (std::int64_t j = threadIdx.x; j < p.live; j += k_entropy_threads)
    all.most = simt::max_nan(all.most, score(j));
  all.most =
      block_all<k_warps>(all.most, maxima, [](float a, float b) { return simt::max_nan(a, b); });
  if (all.most != -INFINITY)
    for (std::int64_t j = threadIdx.x; j < p.live; j += k_entropy_threads)
      all.sum += form.power(form.exponent(score(j) - all.most));
  all.sum = block_all<k_warps>(all.sum, sums, [](float a, float b) { return a + b; });
  const cross_entropy_row<Form> result(p, all, target);
  if (threadIdx.x == 0) p.losses[row] = result.loss(of_target);
  if constexpr (Gradient)
    for (std::int64_t j = threadIdx.x; j < p.columns; j += k_entropy_threads)
      p.gradient[row][j] =
          simt::from_float<T>(j < p.live ? result.gradient(form, score(j), j) : 0.0f);
}

// counted[0] = how many targets are not negative.
__global__ void __launch_bounds__(k_entropy_threads)
    cross_entropy_count(simt::global<const std::int32_t> targets, std::int64_t rows,
                        simt::global<std::int32_t> counted);

// total[0] = the sum of the losses, thread t those of rows t, t + 256, ..., then the block its
// threads; of a mean divided by the rows that count, or 0 where there are none.
__global__ void __launch_bounds__(k_entropy_threads)
    cross_entropy_total(simt::global<const float> losses, std::int64_t rows,
                        simt::global<const std::int32_t> counted, bool mean,
                        simt::global<float> total);

}  // namespace assay::optimized::inline ASSAY_BUILD
