// The order in which the kernels over rows (optimized/reduce.cuh) add up a row: each thread its
// groups of neighbours in turn, then halves of a warp, then the warps' sums by halves.
#pragma once

#include "properties/accumulation.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace assay::properties {

// The threads of a kernel and what they hold: group is the elements in 16 bytes of the dtype.
struct row_order {
  std::int64_t threads = 32;  // of one row, or of one of its chunks
  std::int64_t group = 4;
  std::int64_t chunk = 0;  // elements; 0: the row is not cut
};

inline constexpr std::int64_t k_row_warp = 32;

// The terms of a sum as the threads of one row (or chunk) add them.
order order_of(const row_order& rows);

inline bool is_exact_zero(const running::value& v) { return v.center == 0 && v.after == 0; }
inline bool is_exact_zero(const concrete::value& v) { return v.before == 0 && v.after == 0; }

// Adding an exact zero to what a format holds rounds nothing.
template <class Arithmetic>
typename Arithmetic::value plus(const Arithmetic& a, typename Arithmetic::value left,
                                typename Arithmetic::value right) {
  if (is_exact_zero(left)) return right;
  return is_exact_zero(right) ? left : a.add(left, right);
}

template <class Arithmetic>
typename Arithmetic::value sum_by_warps(const Arithmetic& a,
                                        std::vector<typename Arithmetic::value> threads) {
  const order warp{{tree{}}};
  return sum(a, order{{in_chunks(k_row_warp, warp), tree{}}}, std::move(threads));
}

// sum over a row of `count` elements where each thread takes its elements by
// add(sum so far, element).
template <class Arithmetic, class Add>
typename Arithmetic::value row_sum(const Arithmetic& a, std::size_t count, const row_order& how,
                                   const Add& add) {
  using value = typename Arithmetic::value;
  const std::size_t chunk =
      how.chunk == 0 ? std::max<std::size_t>(count, 1) : std::size_t(how.chunk);
  std::vector<value> chunks;
  for (std::size_t first = 0; first < count; first += chunk) {
    const std::size_t here = std::min(chunk, count - first), group = std::size_t(how.group);
    // Of threads that have none: adding their zeros is exact.
    const std::size_t busy = std::min(std::size_t(how.threads), (here + group - 1) / group);
    std::vector<value> threads(busy, Arithmetic::exact(0));
    for (std::size_t j = first; j < first + here; ++j) {
      value& mine = threads[(j - first) / group % busy];
      mine = add(mine, j);
    }
    chunks.push_back(sum_by_warps(a, std::move(threads)));
  }
  if (how.chunk == 0) return chunks.empty() ? Arithmetic::exact(0) : chunks.front();
  std::vector<value> threads(std::size_t(how.threads), Arithmetic::exact(0));
  for (std::size_t c = 0; c < chunks.size(); ++c)
    threads[c % threads.size()] = plus(a, threads[c % threads.size()], chunks[c]);
  return sum_by_warps(a, std::move(threads));
}

}  // namespace assay::properties
