#include "optimized/embedding.cuh"
#include "optimized/embedding_call.cuh"
#include "optimized/embedding_sort.cuh"

#include <bit>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {

__global__ void __launch_bounds__(k_embedding_threads)
    embedding_clear(matrix_rows<float> sums, std::int64_t rows, std::int64_t width) {
  const std::int64_t i = std::int64_t(blockIdx.x) * k_embedding_threads + threadIdx.x;
  if (i < rows * width) sums[i / width][i % width] = 0.0f;
}

__global__ void __launch_bounds__(k_embedding_threads) embedding_count_digits(sort_pass p) {
  __shared__ simt::array<int, k_digits> counts;
  const int thread = int(threadIdx.x);
  counts[thread] = 0;
  __syncthreads();  // before anybody counts
  for (int round = 0; round < k_sort_rounds; ++round) {
    const std::int64_t i = blockIdx.x * k_sort_tile + round * k_embedding_threads + thread;
    if (i < p.size.ids()) atomicAdd(&counts[p.digit(p.place(i))], 1);
  }
  __syncthreads();  // all have counted
  p.counts[thread * p.tiles + blockIdx.x] = counts[thread];
}

// Digits from the first up, of each its tiles: how many stand before. 256 counts at a time.
__global__ void __launch_bounds__(k_embedding_threads) embedding_place_digits(sort_pass p) {
  __shared__ simt::array<int, k_embedding_warps> sums;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  int before = 0;
  for (std::int64_t base = 0; base < k_digits * p.tiles; base += k_embedding_threads) {
    const int mine = p.counts[base + threadIdx.x];
    int sum = mine;
    for (int away = 1; away < 32; away *= 2) {
      const int left = __shfl_up_sync(0xffffffffu, sum, away);
      if (lane >= away) sum += left;
    }
    if (lane == 31) sums[warp] = sum;
    __syncthreads();  // every warp's sum is there
    int all = 0;
    for (int w = 0; w < k_embedding_warps; ++w) {
      if (w == warp) sum += all;
      all += sums[w];
    }
    p.counts[base + threadIdx.x] = before + sum - mine;
    before += all;
    __syncthreads();  // sums have been read, and may be written
  }
}

__global__ void __launch_bounds__(k_embedding_threads) embedding_move_places(sort_pass p) {
  __shared__ simt::array<int, k_embedding_warps, k_digits> next;
  const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
  int place = p.counts[thread * p.tiles + blockIdx.x];  // of the next of this thread's digit
  for (int round = 0; round < k_sort_rounds; ++round) {
    const std::int64_t i = blockIdx.x * k_sort_tile + round * k_embedding_threads + thread;
    const bool here = i < p.size.ids();
    const int from = here ? p.place(i) : 0, digit = here ? p.digit(from) : k_digits;
    for (int w = 0; w < k_embedding_warps; ++w) next[w][thread] = 0;
    __syncthreads();  // nobody has counted yet
    const unsigned alike = __match_any_sync(0xffffffffu, digit);
    const int rank = simt::popcount(alike & ((1u << lane) - 1));
    if (here && rank == 0) next[warp][digit] = simt::popcount(alike);
    __syncthreads();  // every warp has counted
    for (int w = 0; w < k_embedding_warps; ++w) {
      const int count = next[w][thread];
      next[w][thread] = place;
      place += count;
    }
    __syncthreads();  // every warp knows where its first of each digit goes
    if (here) p.to[next[warp][digit] + rank] = from;
    __syncthreads();  // and has read it, before the next round clears
  }
}

__global__ void __launch_bounds__(k_embedding_threads)
    embedding_find_firsts(simt::global<const std::int32_t> ids,
                          simt::global<const std::int32_t> sorted,
                          simt::global<std::int32_t> firsts, embedding_size size) {
  const std::int64_t wanted = std::int64_t(blockIdx.x) * k_embedding_threads + threadIdx.x;
  if (wanted > size.tokens) return;
  std::int64_t first = 0, last = size.ids();
  while (first < last) {
    const std::int64_t middle = (first + last) / 2;
    const int place = sorted[middle], id = ids[place];
    if (size.has(id) && id < wanted)
      first = middle + 1;
    else
      last = middle;
  }
  firsts[wanted] = std::int32_t(first);
}

namespace {

using backward = embedding_call<embedding_pass::backward>;

template <class Kernel, class... Arguments>
void launch_warps(Kernel kernel, std::int64_t warps, const call& what, simt::queue& stream,
                  const Arguments&... arguments) {
  if (warps > 0)
    simt::launch(kernel,
                 grid_of(k_embedding, what, (warps + k_embedding_warps - 1) / k_embedding_warps),
                 dim3(k_embedding_threads), 0, stream, arguments...);
}
// A thread each.
template <class Kernel, class... Arguments>
void launch_threads(Kernel kernel, std::int64_t threads, const call& what, simt::queue& stream,
                    const Arguments&... arguments) {
  launch_warps(kernel, (threads + 31) / 32, what, stream, arguments...);
}

// run.operator()<T, Bytes>(), by the dtype of x and by how its rows and the tables' lie.
template <class Run>
void by_words(const call& what, dtype type, const Run& run) {
  const auto of = [&]<class T>(T) {
    if (detail::takes_words<T>(k_embedding, what))
      run.template operator()<T, 16>();
    else
      run.template operator()<T, int(sizeof(T))>();
  };
  if (type == dtype::fp32) return of(float());
  if (type == dtype::bf16) return of(simt::bf16());
  of(simt::fp16());
}

template <embedding_pass Pass>
void launch_gather(const call& what, simt::queue& stream) {
  using forward = embedding_call<Pass>;
  forward::check(what);
  const embedding_size size = forward::size(what);
  by_words(what, what.tensors[forward::k_x].type, [&]<class T, int Bytes>() {
    embedding_problem<T> p{size,
                           forward::ids(what),
                           {},
                           forward::template rows<const T>(what, forward::k_tokens),
                           forward::template rows<const T>(what, forward::k_positions),
                           forward::template rows<T>(what, forward::k_x)};
    if (forward::k_offset) p.lengths = forward::lengths(what);
    launch_warps(embedding_gather<T, Bytes, forward::k_offset>,
                 size.ids() * warps_of_row(size.width, Bytes / int(sizeof(T))), what, stream, p);
  });
}

template <class T, int Bytes, class Rows>
void launch_sums(const table_gradient<T>& p, const Rows& rows, const call& what,
                 simt::queue& stream) {
  launch_warps(embedding_add_rows<T, Bytes, Rows>,
               p.rows * warps_of_row(p.width, Bytes / int(sizeof(T))), what, stream, p, rows);
}

// The table of tokens as `tokens` has it; that of positions always in the same way.
template <class Tokens>
void launch_backward(const call& what, simt::queue& stream, const Tokens& tokens) {
  const embedding_size size = backward::size(what);
  by_words(what, what.tensors[backward::k_x].type, [&]<class T, int Bytes>() {
    tokens.template operator()<T, Bytes>(backward::gradient<T>(what, backward::k_tokens), size);
    launch_sums<T, Bytes>(backward::gradient<T>(what, backward::k_positions),
                          rows_of_positions{size}, what, stream);
  });
}

void launch_naive(const call& what, simt::queue& stream) {
  backward::check(what);
  launch_backward(what, stream,
                  [&]<class T, int>(const table_gradient<T>& p, const embedding_size& size) {
                    launch_threads(embedding_look_through<T>, p.rows * p.width, what, stream, p,
                                   backward::ids(what), size.ids());
                  });
}

std::int64_t tiles_of(const embedding_size& size) {
  return (size.ids() + k_sort_tile - 1) / k_sort_tile;
}

// Two lists of places, counts of digits, and of each token the first of its places.
std::size_t sort_workspace(const call& what) {
  const embedding_size size = backward::size(what);
  return std::size_t(2 * size.ids() + k_digits * tiles_of(size) + size.tokens + 1) * 4;
}

// The places of ids in their order, and the first of each token.
rows_of_tokens launch_sort(const call& what, const embedding_size& size, simt::queue& stream) {
  char* scratch = static_cast<char*>(what.workspace);
  const auto part = [&](std::int64_t count) {
    char* const here = scratch;
    scratch += count * 4;
    return simt::bind<std::int32_t>(here, std::size_t(count) * 4);
  };
  auto from = part(size.ids()), to = part(size.ids());
  const std::int64_t tiles = tiles_of(size);
  const auto counts = part(k_digits * tiles), firsts = part(size.tokens + 1);
  const auto ids = backward::ids(what);
  const int bits = std::bit_width(std::uint64_t(size.tokens));
  for (int shift = 0; shift < bits && tiles > 0; shift += k_digit_bits) {
    const sort_pass p{ids, from, to, counts, size, tiles, shift, shift == 0};
    launch_threads(embedding_count_digits, tiles * k_embedding_threads, what, stream, p);
    launch_threads(embedding_place_digits, k_embedding_threads, what, stream, p);
    launch_threads(embedding_move_places, tiles * k_embedding_threads, what, stream, p);
    std::swap(from, to);
  }
  const simt::global<const std::int32_t> sorted = from, starts = firsts;
  if (size.tokens > 0)
    launch_threads(embedding_find_firsts, size.tokens + 1, what, stream, ids, sorted, firsts, size);
  return {sorted, starts};
}

void launch_sorted(const call& what, simt::queue& stream) {
  backward::check(what);
  check_workspace(k_embedding, what, sort_workspace(what));
  launch_backward(what, stream,
                  [&]<class T, int Bytes>(const table_gradient<T>& p, const embedding_size& size) {
                    if (p.width > 0)
                      launch_sums<T, Bytes>(p, launch_sort(what, size, stream), what, stream);
                  });
}

// Sums of dtokens in fp32; where that is fp32 it has them itself.
std::size_t atomic_workspace(const call& what) {
  if (what.tensors[backward::k_x].type == dtype::fp32) return 0;
  const embedding_size size = backward::size(what);
  return std::size_t(size.tokens * size.width) * 4;
}

void launch_atomic(const call& what, simt::queue& stream) {
  backward::check(what);
  check_workspace(k_embedding, what, atomic_workspace(what));
  launch_backward(
      what, stream,
      [&]<class T, int Bytes>(const table_gradient<T>& p, const embedding_size& size) {
        matrix_rows<float> sums{simt::bind<float>(what.workspace, what.workspace_bytes), p.width};
        if constexpr (sizeof(T) == 4) sums = p.table;
        launch_threads(embedding_clear, p.rows * p.width, what, stream, sums, p.rows, p.width);
        launch_warps(embedding_add_atomically<T, Bytes>,
                     size.ids() * warps_of_row(size.width, Bytes / int(sizeof(T))), what, stream,
                     p.dx, sums, backward::ids(what), size);
        const matrix_rows<const float> all{sums.first, sums.stride};
        if constexpr (sizeof(T) != 4)
          launch_threads(embedding_round_sums<T>, p.rows * p.width, what, stream, all, p);
      });
}

}  // namespace

std::span<const launcher> embedding_launchers() {
  static const std::vector<launcher> all = {
      {"embedding.tokens.fwd", "gather", launch_gather<embedding_pass::forward>},
      {"embedding.offset.fwd", "gather", launch_gather<embedding_pass::offset>},
      {"embedding.tokens.bwd", "sorted", launch_sorted, sort_workspace},
      {"embedding.tokens.bwd", "naive", launch_naive},
      {"embedding.tokens.bwd", "atomic", launch_atomic, atomic_workspace}};
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
