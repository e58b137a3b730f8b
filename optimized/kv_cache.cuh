// Appending to a cache of keys or values: copies, by words of 16 bytes where rows are made of such.
#pragma once

#include "optimized/attention_decode_rows.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr int k_append_threads = 128;

// Rows of `width` words of every token and head: of each of `held` batches, or pages, of the cache
// `tokens`, and of each batch `news` new ones.
template <class Word>
struct append_problem {
  head_rows<const Word> cache, rows;
  head_rows<Word> after;
  simt::global<const std::int32_t> lengths;  // tokens of each batch, before
  page_table table;                          // unused: a batch's tokens lie in one piece
  int batch = 0, held = 0, tokens = 0, news = 0, heads = 0, width = 0;
  int keys = 0;  // that there is room for in a batch

  SIMT_DEVICE std::int64_t length_of(int b) const {
    const int length = lengths[b];
    return length < 0 ? 0 : length < keys ? length : keys;
  }
};

struct append_place {
  int batch, token, head, word;
};

// This thread's word of `tokens` tokens of each of `batches`; batch < 0 behind the last.
template <class Word>
SIMT_DEVICE append_place place_of_thread(const append_problem<Word>& p, int batches, int tokens) {
  std::int64_t i = std::int64_t(blockIdx.x) * k_append_threads + threadIdx.x;
  if (i >= std::int64_t(batches) * tokens * p.heads * p.width) return {-1, 0, 0, 0};
  append_place at;
  at.word = int(i % p.width);
  i /= p.width;
  at.head = int(i % p.heads);
  i /= p.heads;
  at.token = int(i % tokens);
  at.batch = int(i / tokens);
  return at;
}

// A thread a word of the new rows. One for which there is no room, or no page, is not read. Which
// of two rows a place would keep that is on the pages of two batches is open.
template <class Word>
__global__ void __launch_bounds__(k_append_threads) kv_cache_append(append_problem<Word> p) {
  const append_place at = place_of_thread(p, p.batch, p.news);
  if (at.batch < 0) return;
  const std::int64_t key = p.length_of(at.batch) + at.token;
  if (key >= p.keys) return;
  const key_place to = p.table.of(at.batch, int(key));
  if (to.first < 0) return;
  p.after.at(to.first, to.second, at.head)[at.word] =
      p.rows.at(at.batch, at.token, at.head)[at.word];
}

// A thread a word of a cache in one piece: what the new rows leave of it.
template <class Word>
__global__ void __launch_bounds__(k_append_threads) kv_cache_keep(append_problem<Word> p) {
  const append_place at = place_of_thread(p, p.held, p.tokens);
  if (at.batch < 0) return;
  const std::int64_t first = p.length_of(at.batch);
  if (at.token >= first && at.token < first + p.news) return;
  p.after.at(at.batch, at.token, at.head)[at.word] =
      p.cache.at(at.batch, at.token, at.head)[at.word];
}

// A thread a word of a cache in pages: all of it, for which rows are new no page knows.
template <class Word>
__global__ void __launch_bounds__(k_append_threads) kv_cache_copy(append_problem<Word> p) {
  const append_place at = place_of_thread(p, p.held, p.tokens);
  if (at.batch < 0) return;
  p.after.at(at.batch, at.token, at.head)[at.word] =
      p.cache.at(at.batch, at.token, at.head)[at.word];
}

}  // namespace assay::optimized::inline ASSAY_BUILD
