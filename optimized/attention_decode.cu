#include "optimized/attention_decode.cuh"
#include "optimized/attention_decode_call.cuh"
#include "optimized/attention_decode_naive.cuh"
#include "optimized/attention_launch.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

template <bool Paged>
void launch_naive(const call& what, simt::queue& stream) {
  decode_call<Paged>::check(what);
  in_dtype_of(what, [&]<class T>(T) {
    const auto p = decode_call<Paged>::template problem<T>(what);
    if (p.size.rows() > 0)
      launch_blocks(attention_decode_naive<T>,
                    blocks_for(p.size.rows(), k_decode_naive_threads / 32), k_decode_naive_threads,
                    0, what, stream, p);
  });
}

// Queries of a block: as many as share a head of keys, up to 8.
int rows_of_block(const attention_size& size) {
  const std::int64_t rows = std::int64_t(size.queries) * size.group;
  return rows <= 1 ? 1 : rows <= 4 ? 4 : 8;
}

int splits_of(const attention_size& size, int keys) {
  return size.keys <= keys ? 1 : (size.keys - 1) / keys + 1;
}

template <int Keys, bool Combined>
decode_split split_of(const call& what, const attention_size& size) {
  const std::int64_t chunk = 16 / std::int64_t(size_of(what.tensors[0].type));
  const std::int64_t rows = std::int64_t(size.queries) * size.group;
  decode_split by;
  by.keys = Keys;
  by.splits = splits_of(size, Keys);
  by.blocks_of_rows = int(blocks_for(rows, rows_of_block(size)));
  while (by.lanes * chunk < size.width) by.lanes *= 2;
  by.words = has_words(what, 1) && has_words(what, 2);
  by.combined = Combined;
  return by;
}

template <bool Paged, int Keys, bool Combined>
std::size_t split_workspace(const call& what) {
  const attention_size size = decode_call<Paged>::size(what);
  const int splits = splits_of(size, Keys);
  if (splits <= 1 && !Combined) return 0;
  return std::size_t(size.rows()) * std::size_t(splits) * std::size_t(size.width + 2) *
         sizeof(float);
}

template <bool Paged, int Keys, bool Combined>
void launch_split(const call& what, simt::queue& stream) {
  decode_call<Paged>::check(what);
  const attention_size size = decode_call<Paged>::size(what);
  if (size.width > k_decode_width)
    detail::refuse(0, "has heads of " + std::to_string(size.width), "at most 128");
  check_workspace(k_attention, what, split_workspace<Paged, Keys, Combined>(what));
  if (size.rows() == 0) return;
  const decode_split by = split_of<Keys, Combined>(what, size);
  in_dtype_of(what, [&]<class T>(T) {
    const auto p = decode_call<Paged>::template problem<T>(what);
    const auto parts = simt::bind<float>(what.workspace, what.workspace_bytes);
    const auto run = [&](auto kernel, int rows) {
      launch_blocks(kernel, std::int64_t(size.batch) * size.heads * by.splits * by.blocks_of_rows,
                    k_decode_threads, decode_shared_bytes<T>(rows, by, Paged), what, stream, p, by,
                    parts);
    };
    const int rows = rows_of_block(size);
    if (rows == 1) run(attention_decode_split<1, T>, 1);
    if (rows == 4) run(attention_decode_split<4, T>, 4);
    if (rows == 8) run(attention_decode_split<8, T>, 8);
    if (by.splits == 1 && !Combined) return;
    const simt::global<const float> made = parts;
    launch_blocks(attention_decode_combine<T>, blocks_for(size.rows(), k_decode_warps),
                  k_decode_threads, 0, what, stream, p, by, made);
  });
}

template <bool Paged, int Keys, bool Combined>
launcher split_launcher(std::string_view function, std::string_view name) {
  return {function, name, launch_split<Paged, Keys, Combined>,
          split_workspace<Paged, Keys, Combined>};
}

template <bool Paged>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  all.push_back({function, "naive", launch_naive<Paged>});
  all.push_back(split_launcher<Paged, 256, false>(function, "split"));
  all.push_back(split_launcher<Paged, 64, true>(function, "split_64"));
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<false>(all, "attention.decode.fwd");
  add_launchers<true>(all, "attention.paged.fwd");
  return all;
}

}  // namespace

std::span<const launcher> attention_decode_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
