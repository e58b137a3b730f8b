// What a raw call means:
//
//   cache   [batch, keys, heads, width]; paged: [pages, page, heads, width]
//   rows    [batch, news, heads, width]
//   table   [batch, slots], int32; paged alone: there is room for page slots tokens, and entry i is
//           the page that holds those from page i on
//   lengths [batch], int32: tokens of each batch, before
//   after   as cache, and may be it
//
// Caches and rows may have strides, as long as the elements of a row are neighbours. A length
// outside [0, keys] is the end of that which is nearer; rows for which there is no room, or whose
// entry of the table is no page, go nowhere. No page may take new rows of two batches.
#include "optimized/attention_call.cuh"
#include "optimized/kv_cache.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

constexpr std::size_t k_cache = 0, k_rows = 1, k_table = 2;

template <bool Paged>
constexpr call_signature k_kv_cache{"kv_cache", Paged ? 5 : 4};
template <bool Paged>
constexpr std::size_t k_lengths = Paged ? 3 : 2;
template <bool Paged>
constexpr std::size_t k_after = Paged ? 4 : 3;

// Of the table and of the lengths, both contiguous.
void check_integers(const call_signature& of, const call& what, std::size_t i,
                    const std::vector<std::int64_t>& shape) {
  detail::check_shape(of, what, i, shape);
  detail::check_tensor(of, what, i, dtype::int32, what.tensors[i].elements());
  detail::check_contiguous(of, what, i);
}

void check_table(const call_signature& of, const call& what) {
  detail::check_rank(what, k_table, 2, of.name);
  detail::check_extents(what, k_table, of.name);
  const std::int64_t slots = what.tensors[k_table].shape[1];
  check_integers(of, what, k_table, {what.tensors[k_rows].shape[0], slots});
  const std::int64_t room = what.tensors[k_cache].shape[1] * slots;
  if (room > 0x7fffffff)
    detail::refuse(k_table, "has room for " + std::to_string(room) + " tokens", "2^31 - 1 at most",
                   of.name);
}

template <bool Paged>
void check(const call& what) {
  constexpr const call_signature& of = k_kv_cache<Paged>;
  constexpr const char* by = of.name;
  detail::check_counts(of, what);
  detail::check_floating(of, what);
  for (const std::size_t i : {k_cache, k_rows}) {
    detail::check_rank(what, i, 4, by);
    detail::check_extents(what, i, by);
  }
  const std::vector<std::int64_t>& cache = what.tensors[k_cache].shape;
  const std::vector<std::int64_t>& rows = what.tensors[k_rows].shape;
  const std::int64_t batch = Paged ? rows[0] : cache[0];
  detail::check_shape(of, what, k_rows, {batch, rows[1], cache[2], cache[3]});
  detail::check_shape(of, what, k_after<Paged>, cache);
  if (Paged) check_table(of, what);
  check_integers(of, what, k_lengths<Paged>, {batch});
  for (const std::size_t i : {k_cache, k_rows, k_after<Paged>}) {
    const dtype type = what.tensors[0].type;
    if (what.tensors[i].type != type)
      detail::refuse(i, "is " + std::string(name_of(what.tensors[i].type)),
                     std::string(name_of(type)), by);
    detail::check_alignment(what, i, by);
    detail::steps_of(what, i, by);
  }
}

// The cache itself, and not a copy of it.
template <bool Paged>
bool is_in_place(const call& what) {
  const tensor &cache = what.tensors[k_cache], &after = what.tensors[k_after<Paged>];
  if (cache.data != after.data) return false;
  if (detail::steps_of(what, k_cache) != detail::steps_of(what, k_after<Paged>))
    detail::refuse(k_after<Paged>, "lies where tensor 0 does, with other strides", "the same ones",
                   k_kv_cache<Paged>.name);
  return true;
}

// Do all rows consist of words of 16 bytes, and begin at such?
template <bool Paged>
bool has_words(const call& what) {
  const std::int64_t word = 16 / std::int64_t(size_of(what.tensors[0].type));
  bool whole = what.tensors[0].shape[3] % word == 0;
  for (const std::size_t i : {k_cache, k_rows, k_after<Paged>}) {
    const tensor& t = what.tensors[i];
    whole = whole && reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0;
    const std::vector<std::int64_t> steps = detail::steps_of(what, i, k_kv_cache<false>.name);
    for (std::size_t d = 0; d + 1 < steps.size(); ++d)
      whole = whole && (t.shape[d] <= 1 || steps[d] % word == 0);
  }
  return whole;
}

template <class Word>
head_rows<Word> rows_of(const call& what, std::size_t i) {
  const tensor& t = what.tensors[i];
  const std::vector<std::int64_t> steps = detail::steps_of(what, i, k_kv_cache<false>.name);
  const std::int64_t word = std::int64_t(sizeof(Word) / size_of(t.type));
  return {simt::bind<Word>(t.data, t.bytes()), steps[0] / word, steps[1] / word, steps[2] / word};
}

template <bool Paged>
page_table table_of(const call& what) {
  if (!Paged) return {};
  const tensor& t = what.tensors[k_table];
  const std::vector<std::int64_t>& cache = what.tensors[k_cache].shape;
  return {simt::bind<const std::int32_t>(t.data, t.bytes()), int(cache[1]), int(t.shape[1]),
          int(cache[0])};
}

template <bool Paged, class Word>
append_problem<Word> problem(const call& what) {
  const std::vector<std::int64_t>&cache = what.tensors[k_cache].shape,
        &rows = what.tensors[k_rows].shape;
  const tensor& lengths = what.tensors[k_lengths<Paged>];
  append_problem<Word> p;
  p.cache = rows_of<const Word>(what, k_cache);
  p.rows = rows_of<const Word>(what, k_rows);
  p.after = rows_of<Word>(what, k_after<Paged>);
  p.lengths = simt::bind<const std::int32_t>(lengths.data, lengths.bytes());
  p.table = table_of<Paged>(what);
  p.batch = int(rows[0]), p.held = int(cache[0]), p.tokens = int(cache[1]), p.news = int(rows[1]);
  p.heads = int(cache[2]);
  p.width = int(cache[3] * std::int64_t(size_of(what.tensors[0].type)) / sizeof(Word));
  p.keys = Paged ? p.tokens * p.table.slots : p.tokens;
  return p;
}

template <bool Paged, class Word>
void launch_words(const call& what, simt::queue& stream) {
  const append_problem<Word> p = problem<Paged, Word>(what);
  const auto run = [&](auto kernel, std::int64_t batches, std::int64_t tokens) {
    const std::int64_t words = batches * tokens * p.heads * p.width;
    if (words > 0)
      simt::launch(
          kernel,
          grid_of(k_kv_cache<Paged>, what, (words + k_append_threads - 1) / k_append_threads),
          dim3(k_append_threads), 0, stream, p);
  };
  if (!is_in_place<Paged>(what))
    run(Paged ? kv_cache_copy<Word> : kv_cache_keep<Word>, p.held, p.tokens);
  run(kv_cache_append<Word>, p.batch, p.news);
}

template <bool Paged>
void launch(const call& what, simt::queue& stream) {
  check<Paged>(what);
  if (has_words<Paged>(what)) return launch_words<Paged, uint4>(what, stream);
  if (size_of(what.tensors[0].type) == 4) return launch_words<Paged, std::uint32_t>(what, stream);
  launch_words<Paged, std::uint16_t>(what, stream);
}

}  // namespace

std::span<const launcher> kv_cache_launchers() {
  static const std::vector<launcher> all = {{"kv_cache.append.fwd", "words", launch<false>},
                                            {"kv_cache.append_paged.fwd", "words", launch<true>}};
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
