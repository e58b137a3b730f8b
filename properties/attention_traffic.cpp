#include "properties/attention_traffic.hpp"

#include <algorithm>

namespace assay::properties {

bias_read bias_read_by(const attention_variant& of, const case_inputs& in) {
  const double size = double(size_of(in.id.types[0].type));
  if (of.alibi) return {4, 0, 4};
  if (of.blocks) return {4, 4, 0};
  return of.bias ? bias_read{size, size, 0} : bias_read{};
}

row_pairs pairs_of_row(const attention_variant& of, const case_inputs& in, std::int64_t r) {
  const attention_shape shape = attention_shape::of(in.id);
  const seen_row row = seen_by(of, shape, in, r);
  const reference::key_range by_position =
      mask_of(of, in, row.at.batch).seen(row.at.query, shape.queries, shape.keys);
  return {double(by_position.count()), double(row.count())};
}

live_tiles live_tiles_of(const attention_variant& of, const case_inputs& in,
                         const reference::key_range& live, std::int64_t tile,
                         const std::function<pair_of_tile(std::int64_t)>& place) {
  live_tiles all;
  for (std::int64_t first = live.first / tile * tile; first < live.last; first += tile) {
    all.asked += of.blocks;
    const auto [query, key] = place(first);
    if (of.blocks && !is_live(in, query, key)) continue;
    all.first.push_back(first);
    all.rows += double(std::min(first + tile, live.last) - std::max(first, live.first));
  }
  return all;
}

// Bytes of the naive kernels: queries and keys for every pair that is there; scores written, read
// three times where anything is (the maximum, the sum, the weights) and once where nothing is,
// written again; weights and values for every pair and column; the results. A length is read by
// every thread of the first and the last kernel, and of each pair that positions let be seen what
// `bias_read` says: by the first kernel once, by the last to see whether the pair is there.
double naive_attention_traffic(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const double size = double(size_of(in.id.types[0].type)), width = double(shape.width),
               keys = double(shape.keys);
  const bias_read reads = bias_read_by(of, in);
  double bytes = 0;
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const auto [seen, there] = pairs_of_row(of, in, r);
    bytes += seen * reads.to_add + there * 2 * width * size + keys * 4;
    bytes += keys * 4 * (there > 0 ? 3 : 1) + keys * 4 + 4;
    bytes +=
        width * (reads.once + seen * reads.to_hide) + there * width * (4 + size) + width * size;
    if (of.padding) bytes += 4 * (keys + width);
  }
  return bytes;
}

// Bytes of a flash kernel whose blocks take `tile` queries: those, once; the keys and values that
// any of them sees, in tiles that are not dead, once for each block; the results; and the bias of
// each pair that positions let be seen. Each of a block's 128 threads reads a length, a slope, and
// whether a tile is live. flash_mma reads no queries where none of them sees a live tile.
double flash_attention_traffic(const attention_variant& of, const case_inputs& in,
                               std::int64_t tile) {
  const attention_shape shape = attention_shape::of(in.id);
  const double row = double(shape.width) * double(size_of(in.id.types[0].type));
  const bias_read reads = bias_read_by(of, in);
  double bytes = 0;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t first = 0; first < shape.queries; first += tile) {
      const std::int64_t last = std::min(first + tile, shape.queries);
      const reference::attention_mask mask = mask_of(of, in, b);
      reference::key_range live{shape.keys, 0};
      double seen = 0;
      for (std::int64_t i = first; i < last; ++i) {
        const reference::key_range of_row = mask.seen(i, shape.queries, shape.keys);
        if (of_row.count() == 0) continue;
        live = {std::min(live.first, of_row.first), std::max(live.last, of_row.last)};
        seen += double(of_row.count());
      }
      const live_tiles tiles = live_tiles_of(of, in, live, tile, [&](std::int64_t key) {
        return pair_of_tile{first, key};
      });
      const double rows = double(last - first);
      double block = rows * (row + 4) + 2 * tiles.rows * row +
                     (tile == 64 && tiles.rows == 0 ? 0 : rows * row);
      block += 128 * (reads.once + tiles.asked * 4) + (of.bias ? seen * reads.to_add : 0);
      if (of.padding) block += 4 * 128;
      bytes += block * double(shape.heads * shape.group);
    }
  return bytes;
}

}  // namespace assay::properties
