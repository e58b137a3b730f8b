// What a raw call means:
//
//   cache   [batch, keys, heads, width]     lengths  [batch], int32: tokens of each batch, before
//   rows    [batch, news, heads, width]     after    as cache, and may be it
//
// All but the lengths may have strides, as long as the elements of a row are neighbours. A length
// outside [0, keys] is the end of that which is nearer; rows for which there is no room go nowhere.
#include "optimized/attention_call.cuh"
#include "optimized/kv_cache.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

constexpr call_signature k_kv_cache{"kv_cache", 4};
constexpr std::size_t k_cache = 0, k_rows = 1, k_lengths = 2, k_after = 3;

void check(const call& what) {
  constexpr const char* by = k_kv_cache.name;
  detail::check_counts(k_kv_cache, what);
  detail::check_floating(k_kv_cache, what);
  for (const std::size_t i : {k_cache, k_rows}) {
    detail::check_rank(what, i, 4, by);
    detail::check_extents(what, i, by);
  }
  const std::vector<std::int64_t>& cache = what.tensors[k_cache].shape;
  const std::int64_t news = what.tensors[k_rows].shape[1];
  detail::check_shape(k_kv_cache, what, k_rows, {cache[0], news, cache[2], cache[3]});
  detail::check_shape(k_kv_cache, what, k_after, cache);
  detail::check_tensor(k_kv_cache, what, k_lengths, dtype::int32, cache[0]);
  detail::check_contiguous(k_kv_cache, what, k_lengths);
  for (const std::size_t i : {k_cache, k_rows, k_after}) {
    const dtype type = what.tensors[0].type;
    if (what.tensors[i].type != type)
      detail::refuse(i, "is " + std::string(name_of(what.tensors[i].type)),
                     std::string(name_of(type)), by);
    detail::check_alignment(what, i, by);
    detail::steps_of(what, i, by);
  }
}

// The cache itself, and not a copy of it.
bool is_in_place(const call& what) {
  const tensor &cache = what.tensors[k_cache], &after = what.tensors[k_after];
  if (cache.data != after.data) return false;
  if (detail::steps_of(what, k_cache) != detail::steps_of(what, k_after))
    detail::refuse(k_after, "lies where tensor 0 does, with other strides", "the same ones",
                   k_kv_cache.name);
  return true;
}

// Do all rows consist of words of 16 bytes, and begin at such?
bool has_words(const call& what) {
  const std::int64_t word = 16 / std::int64_t(size_of(what.tensors[0].type));
  bool whole = what.tensors[0].shape[3] % word == 0;
  for (const std::size_t i : {k_cache, k_rows, k_after}) {
    const tensor& t = what.tensors[i];
    whole = whole && reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0;
    const std::vector<std::int64_t> steps = detail::steps_of(what, i, k_kv_cache.name);
    for (std::size_t d = 0; d + 1 < steps.size(); ++d)
      whole = whole && (t.shape[d] <= 1 || steps[d] % word == 0);
  }
  return whole;
}

template <class Word>
head_rows<Word> rows_of(const call& what, std::size_t i) {
  const tensor& t = what.tensors[i];
  const std::vector<std::int64_t> steps = detail::steps_of(what, i, k_kv_cache.name);
  const std::int64_t word = std::int64_t(sizeof(Word) / size_of(t.type));
  return {simt::bind<Word>(t.data, t.bytes()), steps[0] / word, steps[1] / word, steps[2] / word};
}

template <class Word>
void launch_words(const call& what, simt::queue& stream) {
  const std::vector<std::int64_t>& cache = what.tensors[k_cache].shape;
  const tensor& lengths = what.tensors[k_lengths];
  append_problem<Word> p;
  p.cache = rows_of<const Word>(what, k_cache);
  p.rows = rows_of<const Word>(what, k_rows);
  p.after = rows_of<Word>(what, k_after);
  p.lengths = simt::bind<const std::int32_t>(lengths.data, lengths.bytes());
  p.batch = int(cache[0]), p.keys = int(cache[1]), p.heads = int(cache[2]);
  p.news = int(what.tensors[k_rows].shape[1]);
  p.width = int(cache[3] * std::int64_t(size_of(what.tensors[0].type)) / sizeof(Word));
  const auto run = [&](auto kernel, std::int64_t tokens) {
    const std::int64_t words = cache[0] * tokens * cache[2] * p.width;
    if (words > 0)
      simt::launch(kernel,
                   grid_of(k_kv_cache, what, (words + k_append_threads - 1) / k_append_threads),
                   dim3(k_append_threads), 0, stream, p);
  };
  if (!is_in_place(what)) run(kv_cache_keep<Word>, p.keys);
  run(kv_cache_append<Word>, p.news);
}

void launch(const call& what, simt::queue& stream) {
  check(what);
  if (has_words(what)) return launch_words<uint4>(what, stream);
  if (size_of(what.tensors[0].type) == 4) return launch_words<std::uint32_t>(what, stream);
  launch_words<std::uint16_t>(what, stream);
}

}  // namespace

std::span<const launcher> kv_cache_launchers() {
  static const std::vector<launcher> all = {{"kv_cache.append.fwd", "words", launch}};
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
