// Cross-entropy with rows in shared memory: cross_entropy.cuh says what for.
#pragma once

#include "optimized/cross_entropy.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// A block a row. `chunk`, a multiple of k_staged_step: so many columns are in memory at once.
template <class Form, bool Gradient, class T>
__global__ void __launch_bounds__(k_staged_threads)
    cross_entropy_staged(cross_entropy_problem<T> p, Form form, int chunk) {
  constexpr int k_word = staged_part<T>::k_word;
  const std::int64_t row = blockIdx.x;
  const int target = p.targets[row], thread = int(threadIdx.x);
  if (target < 0) return leave_out<Gradient>(p, row);
  const auto logits = p.logits[row];
  const float of_target = thread == 0 && target < p.live ? simt::to_float(T(logits[target])) : 0.0f;
  staged_part<T> part;
  part.memory = simt::dynamic_shared<T>(0, std::size_t(chunk + k_word));
  part.lead = int((p.logits_lead + row * p.logits.stride) % k_word);
  const auto move_to = [&](std::int64_t first) {
    part.first = first;
    part.count = int(p.live - first < chunk ? p.live - first : chunk);
  };
  const std::int64_t last = (p.live - 1) / chunk * chunk;

  online_sum all;
  for (std::int64_t first = 0; first <= last; first += chunk) {
    if (first > 0) __syncthreads();  // the part before has been read
    move_to(first);
    part.load(logits);
    for (int base = thread; base < part.count; base += k_staged_step) {
      float x[k_staged_group];
      SIMT_UNROLL
      for (int k = 0; k < k_staged_group; ++k) {
        const int column = base + k * k_staged_threads;
        x[k] = column < part.count ? part.score(column) : -INFINITY;
      }
      all.take(form, x);
    }
  }
  all = block_merge<k_staged_threads>(form, all);
  const cross_entropy_row<Form> result(p, all, target);
  if (thread == 0) p.losses[row] = result.loss(of_target);
  if constexpr (Gradient) {
    // From behind: the last part is still there. Words where the gradient lies as the logits do.
    const bool in_words = int((p.gradient_lead + row * p.gradient.stride) % k_word) == part.lead;
    const auto gradient = p.gradient[row];
    for (std::int64_t first = last; first >= 0; first -= chunk) {
      if (first < last) {
        __syncthreads();  // the part behind has been stored
        move_to(first);
        part.load(logits);
      }
      for (int column = thread; column < part.count; column += k_staged_threads) {
        const T dx = simt::from_float<T>(result.gradient(form, part.score(column), first + column));
        if (in_words)
          part.memory[part.lead + column] = dx;
        else
          gradient[first + column] = dx;
      }
      if (in_words) part.store(gradient);
    }
    for (std::int64_t j = p.live + thread; j < p.columns; j += k_staged_threads)
      gradient[j] = simt::from_float<T>(0.0f);
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
