// Cross-entropy with rows in shared memory: cross_entropy.cuh says what for.
#pragma once

#include "optimized/cross_entropy.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// A part of a row, of `count` columns from `first` on, which lies `lead` elements behind a multiple
// of 16 bytes, in global memory and, from its own beginning on, in shared memory. `first` is a
// multiple of what 16 bytes hold, so that all parts of a row have one lead.
template <class T>
struct staged_part {
  static constexpr int k_word = 16 / int(sizeof(T));

  simt::shared<T> memory;
  int lead = 0, count = 0;
  std::int64_t first = 0;

  SIMT_DEVICE int words() const { return (lead + count + k_word - 1) / k_word; }
  SIMT_DEVICE bool is_whole(int word) const {
    return word * k_word >= lead && (word + 1) * k_word <= lead + count;
  }
  // each(column of the part, place in memory) of a word that is not whole.
  template <class Each>
  SIMT_DEVICE void each_of(int word, const Each& each) const {
    for (int e = 0; e < k_word; ++e) {
      const int at = word * k_word + e, column = at - lead;
      if (column >= 0 && column < count) each(column, at);
    }
  }

  SIMT_DEVICE void load(simt::global<const T> row) const {
    for (int w = int(threadIdx.x); w < words(); w += k_staged_threads) {
      if (is_whole(w))
        simt::cp_async<16>(memory + w * k_word, row + (first + w * k_word - lead));
      else
        each_of(w, [&](int column, int at) { memory[at] = T(row[first + column]); });
    }
    simt::cp_async_wait_all();
    __syncthreads();  // everybody's words are there
  }
  SIMT_DEVICE void store(simt::global<T> row) const {
    __syncthreads();  // everybody's results are there
    for (int w = int(threadIdx.x); w < words(); w += k_staged_threads) {
      if (is_whole(w)) {
        const uint4 word = simt::view<uint4>(memory)[w];
        simt::store_cs(simt::view<uint4>(row + (first + w * k_word - lead)), word);
      } else {
        each_of(w, [&](int column, int at) { row[first + column] = T(memory[at]); });
      }
    }
  }
  SIMT_DEVICE float score(int column) const { return simt::to_float(T(memory[lead + column])); }
};

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
