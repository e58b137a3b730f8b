#include "properties/attention_traffic.hpp"

#include <algorithm>
#include <vector>

namespace assay::properties {
namespace {

// Sizes that every formula of traffic needs, in bytes.
struct sizes {
  double element, row;

  explicit sizes(const case_inputs& in)
      : element(double(size_of(in.id.types[k_queries].type))),
        row(element * double(in.id.dimension("d"))) {}
};

// o and its gradient, read; a delta, written.
double delta_traffic(const attention_shape& shape, const sizes& of) {
  return double(shape.rows()) * (2 * of.row + 4);
}

reference::key_range live_of(const std::vector<reference::key_range>& spans) {
  reference::key_range live{0, 0};
  for (const reference::key_range& each : spans) {
    if (each.count() == 0) continue;
    live = live.count() == 0 ? each
                             : reference::key_range{std::min(live.first, each.first),
                                                    std::max(live.last, each.last)};
  }
  return live;
}

// Of one batch, 64 rows at a time: the first, how many, and what any of them sees, or is seen by.
template <class Take>
void for_each_tile(const std::vector<reference::key_range>& spans, const Take& take) {
  constexpr std::size_t k_tile = 64;
  for (std::size_t first = 0; first < spans.size(); first += k_tile) {
    const auto begin = spans.begin() + std::ptrdiff_t(first);
    const std::size_t rows = std::min(k_tile, spans.size() - first);
    take(std::int64_t(first), double(rows), live_of({begin, begin + std::ptrdiff_t(rows)}));
  }
}

// Which keys each query of a batch sees by position, which queries see each key, and how many pairs
// there are.
struct batch_spans {
  std::vector<reference::key_range> seen, seers;
  double pairs = 0;

  batch_spans(const attention_variant& of, const case_inputs& in, std::int64_t batch) {
    const attention_shape shape = attention_shape::of(in.id);
    seers.resize(std::size_t(shape.keys));
    for (std::int64_t i = 0; i < shape.queries; ++i) {
      seen.push_back(mask_of(of, in, batch).seen(i, shape.queries, shape.keys));
      pairs += double(seen.back().count());
      for (std::int64_t j = seen.back().first; j < seen.back().last; ++j)
        seers[std::size_t(j)] = live_of({seers[std::size_t(j)], {i, i + 1}});
    }
  }
};

// Of one head of keys, what its blocks of keys move, and of one head of queries what those of
// queries do.
class flash_blocks {
 public:
  flash_blocks(const attention_variant& of, const case_inputs& in)
      : of_(of), in_(in), shape_(attention_shape::of(in.id)), size_(in) {}

  double of_keys(const batch_spans& spans, bool adds_sums) const {
    double bytes = group() * bias(spans);
    for_each_tile(spans.seers, [&](std::int64_t key, double rows, const auto& seers) {
      const live_tiles tiles = live_tiles_of(of_, in_, seers, tile(), [&](std::int64_t query) {
        return pair_of_tile{query, key};
      });
      bytes += group() * tiles.asked * k_by_all + 2 * rows * size_.row + lengths();
      if (tiles.rows > 0)
        bytes += 2 * rows * size_.row + group() * tiles.rows * (2 * size_.row + 8);
      bytes += group() * double(tiles.first.size()) * slope();
      for (const std::int64_t first : tiles.first)
        if (adds_sums)
          bytes += group() * double(std::min(first + tile(), shape_.queries) - first) *
                   double(shape_.width) * 4;
    });
    return bytes;
  }
  double of_queries(const batch_spans& spans) const {
    double bytes = bias(spans);
    for_each_tile(spans.seen, [&](std::int64_t query, double rows, const auto& seen) {
      const live_tiles tiles = live_tiles_of(of_, in_, seen, tile(), [&](std::int64_t key) {
        return pair_of_tile{query, key};
      });
      bytes += tiles.asked * k_by_all + rows * (4 * 8 + size_.row) + lengths() + slope();
      if (tiles.rows > 0) bytes += 2 * rows * size_.row + 2 * tiles.rows * size_.row;
    });
    return bytes;
  }

 private:
  static constexpr double k_by_all = 4 * 128;  // a number that each of a block's threads reads

  double group() const { return double(shape_.group); }
  std::int64_t tile() const { return shape_.width <= 64 ? 64 : 32; }
  double lengths() const { return of_.padding ? k_by_all : 0; }
  double slope() const { return of_.alibi ? k_by_all : 0; }
  double bias(const batch_spans& spans) const { return of_.bias ? spans.pairs * size_.element : 0; }

  const attention_variant& of_;
  const case_inputs& in_;
  attention_shape shape_;
  sizes size_;
};

}  // namespace

// Of each pair a thread reads a log-sum-exp; where the key is seen a bias, and where it is there
// all four vectors, the log-sum-exp again and a delta, and two numbers are written. Of each element
// of dq one reads a log-sum-exp, and of each pair ds and an element of k; of dk and dv one
// log-sum-exp a pair, p and ds, and elements of q and grad. Before that, both ask whether the pair
// is there. Under padding a length wherever there is anything to see, or a key.
double naive_gradient_traffic(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const sizes size(in);
  const double width = double(shape.width), keys = double(shape.keys), length = of.padding ? 4 : 0;
  const bias_read reads = bias_read_by(of, in);
  double bytes = 0;
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const auto [seen, there] = pairs_of_row(of, in, r);
    // Nothing is asked of a row with nothing to see.
    const double asked = there > 0 ? seen : 0, read = there > 0 ? length : 0;
    bytes += keys * (4 + read) + asked * reads.to_add + there * (4 * size.row + 4 + 4 + 8);
    bytes += width * (4 + read + reads.once + size.element);
    bytes += width * (asked * reads.to_hide + there * (4 + size.element));
    bytes += width * (seen * 4 + asked * reads.to_hide + there * (8 + 2 * size.element));
  }
  const double key_heads = double(shape.batch * shape.keys * shape.heads);
  bytes += key_heads * width * (length + double(shape.group) * reads.once);
  return delta_traffic(shape, size) + bytes + key_heads * 2 * size.row;
}

// A block of keys reads them and their values, and of each query head the live queries, their
// gradients from above and statistics, and writes dk and dv. A block of queries reads them and
// their gradients, their statistics by four lanes each, and the live keys and values, and writes
// dq. In one pass there are sums instead: cleared, added to by whole tiles, and rounded. Each of a
// block's 128 threads reads a length, of each head a slope (a block of keys with every tile), and
// whether a tile is live; a bias is read of each pair, in each pass.
double flash_gradient_traffic(const attention_variant& of, const case_inputs& in,
                              bool in_one_pass) {
  const attention_shape shape = attention_shape::of(in.id);
  const sizes size(in);
  const double heads = double(shape.heads), width = double(shape.width);
  const flash_blocks blocks(of, in);
  double bytes = delta_traffic(shape, size);
  if (in_one_pass) bytes += double(shape.rows()) * (width * 8 + size.row);
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    const batch_spans spans(of, in, b);
    bytes += heads * blocks.of_keys(spans, in_one_pass);
    if (!in_one_pass) bytes += heads * double(shape.group) * blocks.of_queries(spans);
  }
  return bytes;
}

}  // namespace assay::properties
