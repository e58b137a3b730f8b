// Decoding split over the keys ("Flash-Decoding", Dao et al. 2023): a block takes one split of the
// keys of one head, and up to Rows of the queries that share it. What it makes of its keys of each
// query is a part
//
//   m   the largest score            l   the sum of e^(s - m)
//   o   the sum of e^(s - m) v
//
// and a second kernel puts the parts of a query together. Where one split has all keys that a query
// sees, its block writes the result itself. Splits are counted from the first key on, so that what
// becomes of a query depends on its own keys and nothing else.
//
// A block's keys are never in shared memory. `lanes` threads, a team, read a key together, 16 bytes
// each; teams take keys in turn.
#pragma once

#include "optimized/attention_decode_combine.cuh"
#include "optimized/math/exp.cuh"
#include "optimized/reduce.cuh"
#include "optimized/vector_access.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <class T>
inline constexpr int k_decode_chunk = 16 / int(sizeof(T));  // elements of a thread

// A block's keys [begin, end), of which `count` queries from row `first` on see some.
struct decode_block {
  int batch, head, split, begin, end, length;
  int first, count;
};

template <class T>
SIMT_DEVICE decode_block decode_block_of(const decode_problem<T>& p, const decode_split& by,
                                         int most_rows) {
  decode_block mine;
  std::int64_t i = blockIdx.x;
  mine.first = int(i % by.blocks_of_rows) * most_rows;
  i /= by.blocks_of_rows;
  mine.split = int(i % by.splits);
  i /= by.splits;
  mine.head = int(i % p.size.heads);
  mine.batch = int(i / p.size.heads);
  const std::int64_t left = p.rows_of_head() - mine.first;
  mine.count = left < most_rows ? int(left) : most_rows;
  mine.length = p.length_of(mine.batch);
  mine.begin = mine.split * by.keys;
  // The last query sees most.
  const int last = p.last_of((mine.first + mine.count - 1) / p.size.group, mine.length);
  mine.end = last - mine.begin < by.keys ? last : mine.begin + by.keys;
  return mine;
}

// The thread's place: which team, and which of the team's lanes.
struct decode_thread {
  int team, lane, teams;

  SIMT_DEVICE explicit decode_thread(int lanes)
      : team(int(threadIdx.x) % 32 / lanes * k_decode_warps + int(threadIdx.x) / 32),
        lane(int(threadIdx.x) % lanes),
        teams(k_decode_threads / lanes) {}
};

// The pages of a split's keys, once for all of them.
SIMT_DEVICE void load_pages(simt::shared<int> pages, const page_table& table,
                            const decode_block& mine) {
  if (!table.used() || mine.end <= mine.begin) return;
  const int first = mine.begin / table.page, last = (mine.end - 1) / table.page;
  for (int i = first + int(threadIdx.x); i <= last; i += k_decode_threads)
    pages[i - first] = table.checked(table.entries[std::int64_t(mine.batch) * table.slots + i]);
}

// This thread's chunk of a key or a value; NaN where the key is nowhere.
template <class T>
SIMT_DEVICE elements<T, 16> load_chunk(const decode_problem<T>& p, const decode_split& by,
                                       const decode_block& mine, const head_rows<const T>& from,
                                       simt::shared<int> pages, int key, int lane) {
  using chunk = elements<T, 16>;
  key_place at{mine.batch, key};
  if (p.table.used())
    at = {pages[key / p.table.page - mine.begin / p.table.page], key % p.table.page};
  const int first = lane * chunk::k_count, here = p.size.width - first;
  chunk all{};
  if (at.first < 0) {
    SIMT_UNROLL
    for (int e = 0; e < chunk::k_count; ++e) all.value[e] = e < here ? NAN : 0.0f;
    return all;
  }
  const auto row = from.at(at.first, at.second, mine.head) + first;
  if (by.words) return load_part<T, 16>(row, here);
  SIMT_UNROLL
  for (int e = 0; e < chunk::k_count; ++e)
    if (e < here) all.value[e] = simt::to_float(T(row[e]));
  return all;
}

// Scores of the block's keys, [Rows, keys of a split]; -infinity where a query does not see one.
template <int Rows, class T>
SIMT_DEVICE void decode_scores(simt::shared<float> scores, const decode_problem<T>& p,
                               const decode_split& by, const decode_block& mine,
                               simt::shared<int> pages) {
  using chunk = elements<T, 16>;
  const decode_thread here(by.lanes);
  float q[Rows][chunk::k_count];
  SIMT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const int row = mine.first + r, first = here.lane * chunk::k_count;
    SIMT_UNROLL
    for (int e = 0; e < chunk::k_count; ++e) {
      q[r][e] = 0;
      if (r < mine.count && first + e < p.size.width)
        q[r][e] =
            simt::to_float(T(p.q.at(mine.batch, row / p.size.group,
                                    mine.head * p.size.group + row % p.size.group)[first + e]));
    }
  }
  for (int base = mine.begin; base < mine.end; base += here.teams) {
    const int key = base + here.team;
    chunk k{};
    if (key < mine.end) k = load_chunk(p, by, mine, p.k, pages, key, here.lane);
    SIMT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      float dot = 0;
      SIMT_UNROLL
      for (int e = 0; e < chunk::k_count; ++e) dot = fmaf(q[r][e], k.value[e], dot);
      for (int away = by.lanes / 2; away > 0; away /= 2)
        dot += __shfl_xor_sync(0xffffffffu, dot, away);
      if (here.lane == 0 && key < mine.end && r < mine.count) {
        const int last = p.last_of((mine.first + r) / p.size.group, mine.length);
        scores[r * by.keys + key - mine.begin] = key < last ? dot * p.scale : -INFINITY;
      }
    }
  }
}

// Scores become weights, a warp a query; m and l are left in `largest` and `sums`.
SIMT_DEVICE void decode_weights(simt::shared<float> scores, simt::shared<float> largest,
                                simt::shared<float> sums, const decode_split& by,
                                const decode_block& mine) {
  const int lane = int(threadIdx.x) % 32, keys = mine.end - mine.begin;
  for (int r = int(threadIdx.x) / 32; r < mine.count; r += k_decode_warps) {
    const simt::shared<float> row = scores + r * by.keys;
    float m = -INFINITY, l = 0;
    for (int j = lane; j < keys; j += 32) m = simt::max_nan(m, row[j]);
    for (int away = 16; away > 0; away /= 2)
      m = simt::max_nan(m, __shfl_xor_sync(0xffffffffu, m, away));
    for (int j = lane; j < keys; j += 32) {
      const float weight = m == -INFINITY ? 0.0f : math::exp(row[j] - m);
      l += weight;
      row[j] = weight;
    }
    l = warp_sum(l);
    if (lane == 0) {
      largest[r] = m;
      sums[r] = l;
    }
  }
}

// A warp's sums of weighted values: [Rows, elements of a chunk, lanes], the lanes a little apart,
// so that both the threads that write them and those that read neighbouring columns meet 32 banks.
template <class T>
SIMT_HOST_DEVICE int decode_pitch(int lanes) {
  return lanes | (32 / k_decode_chunk<T>);
}

// Every team's sum over its keys, then over the teams of a warp. A value that a query does not see
// is not touched: 0 times infinity would be seen.
template <int Rows, class T>
SIMT_DEVICE void decode_values(simt::shared<float> sums, simt::shared<float> weights,
                               const decode_problem<T>& p, const decode_split& by,
                               const decode_block& mine, simt::shared<int> pages) {
  using chunk = elements<T, 16>;
  const decode_thread here(by.lanes);
  float o[Rows][chunk::k_count] = {};
  for (int key = mine.begin + here.team; key < mine.end; key += here.teams) {
    const chunk v = load_chunk(p, by, mine, p.v, pages, key, here.lane);
    SIMT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      if (r >= mine.count || key >= p.last_of((mine.first + r) / p.size.group, mine.length))
        continue;
      const float weight = weights[r * by.keys + key - mine.begin];
      SIMT_UNROLL
      for (int e = 0; e < chunk::k_count; ++e) o[r][e] = fmaf(weight, v.value[e], o[r][e]);
    }
  }
  const int pitch = decode_pitch<T>(by.lanes), warp = int(threadIdx.x) / 32;
  SIMT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    SIMT_UNROLL
    for (int e = 0; e < chunk::k_count; ++e) {
      float sum = o[r][e];
      for (int away = 16; away >= by.lanes; away /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, away);
      if (int(threadIdx.x) % 32 < by.lanes)
        sums[((warp * Rows + r) * chunk::k_count + e) * pitch + here.lane] = sum;
    }
  }
}

// Where what a block made of one of its queries goes.
struct decoded_row {
  int query, head;
  std::int64_t index, part;
  bool direct, sees_nothing_here;

  template <class T>
  SIMT_DEVICE decoded_row(const decode_problem<T>& p, const decode_split& by,
                          const decode_block& mine, int r)
      : query((mine.first + r) / p.size.group),
        head(mine.head * p.size.group + (mine.first + r) % p.size.group),
        index(p.size.row_at(mine.batch, head, query)),
        part(part_at(p.size, by, index, mine.split)) {
    const int last = p.last_of(query, mine.length);
    direct = by.is_direct(last);
    sees_nothing_here = mine.begin > 0 && last <= mine.begin;
  }
};

// Results, or parts of them, from the warps' sums.
template <int Rows, class T>
SIMT_DEVICE void store_decoded(const decode_problem<T>& p, const decode_split& by,
                               const decode_block& mine, simt::shared<float> o,
                               simt::shared<float> largest, simt::shared<float> sums,
                               simt::global<float> parts) {
  constexpr int k_chunk = k_decode_chunk<T>;
  const int width = p.size.width, pitch = decode_pitch<T>(by.lanes), warp = Rows * k_chunk * pitch;
  for (int i = int(threadIdx.x); i < mine.count * width; i += k_decode_threads) {
    const int r = i / width, column = i % width;
    const decoded_row row(p, by, mine, r);
    if (row.sees_nothing_here) continue;
    const int at = (r * k_chunk + column % k_chunk) * pitch + column / k_chunk;
    const float sum = (o[at] + o[at + 2 * warp]) + (o[at + warp] + o[at + 3 * warp]);
    const float inverse = largest[r] != -INFINITY ? 1.0f / sums[r] : 0.0f;
    if (row.direct)
      p.o.at(mine.batch, row.query, row.head)[column] = simt::from_float<T>(sum * inverse);
    else
      parts[row.part + 2 + column] = sum;
  }
  const int r = int(threadIdx.x);
  if (r >= mine.count) return;
  const decoded_row row(p, by, mine, r);
  if (row.sees_nothing_here) return;
  if (row.direct) {
    p.lse[row.index] = decode_lse(largest[r], sums[r]);
  } else {
    parts[row.part] = largest[r];
    parts[row.part + 1] = sums[r];
  }
}

// Bytes of shared memory: weights, the warps' sums, and of each query m and l; pages.
template <class T>
std::size_t decode_shared_bytes(int rows, const decode_split& by, bool paged) {
  const int sums = k_decode_warps * k_decode_chunk<T> * decode_pitch<T>(by.lanes);
  return std::size_t(rows * (by.keys + sums + 2) + (paged ? by.keys : 0)) * 4;
}

template <int Rows, class T>
__global__ void __launch_bounds__(k_decode_threads)
    attention_decode_split(decode_problem<T> p, decode_split by, simt::global<float> parts) {
  const decode_block mine = decode_block_of(p, by, Rows);
  if (mine.begin > 0 && mine.end <= mine.begin) return;  // nothing for anyone in this block
  const auto weights = std::size_t(Rows * by.keys);
  const auto sums =
      std::size_t(Rows * k_decode_warps * k_decode_chunk<T> * decode_pitch<T>(by.lanes));
  const auto scores = simt::dynamic_shared<float>(0, weights);
  const auto o = simt::dynamic_shared<float>(4 * weights, sums);
  const auto m = simt::dynamic_shared<float>(4 * (weights + sums), Rows);
  const auto l = simt::dynamic_shared<float>(4 * (weights + sums + Rows), Rows);
  const auto pages = simt::dynamic_shared<int>(4 * (weights + sums + 2 * Rows),
                                               std::size_t(p.table.used() ? by.keys : 0));
  load_pages(pages, p.table, mine);
  __syncthreads();  // the pages are known to everybody
  decode_scores<Rows>(scores, p, by, mine, pages);
  __syncthreads();  // a query's scores are those of all teams
  decode_weights(scores, m, l, by, mine);
  __syncthreads();  // and its weights, for all of them, one warp's
  decode_values<Rows>(o, scores, p, by, mine, pages);
  __syncthreads();  // every warp's sums are there
  store_decoded<Rows>(p, by, mine, o, m, l, parts);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
