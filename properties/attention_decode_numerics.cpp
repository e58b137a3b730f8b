#include "properties/attention_decode_numerics.hpp"

#include "properties/attention_decode_pages.hpp"
#include "properties/attention_numerics.hpp"
#include "reference/attention_decode.hpp"

namespace assay::properties {
namespace {

using as_contiguous = std::function<case_inputs(const case_inputs&)>;

struct described {
  const char *name, *about, *numerics;
  std::int64_t keys;  // of a split; 0: there are none
  bool combined;      // one split goes through memory too
};

constexpr const char* k_split_numerics =
    "fp32: a team of threads multiplies a key, 16 bytes each in order, then halves; in a split, "
    "the "
    "sum of weights by 32 lanes, weighted values by teams, then halves; splits in order by fused "
    "multiply-adds";
constexpr described k_kernels[] = {
    {"naive", "a warp a query: its scores three times over, the mean of the values",
     "fp32: scores and outputs by fused multiply-adds in order; the sum of a row by 32 lanes, then "
     "halves",
     0, false},
    {"split", "a block a split of 256 keys, for all queries that share them; then their parts",
     k_split_numerics, 256, false},
    {"split_64", "splits of 64 keys, whose parts go through memory even where there is one",
     k_split_numerics, 64, true}};

decode_division division_of(const described& by, const case_id& id) {
  return decode_division::of(by.keys, id.dimension("d"),
                             std::int64_t(size_of(id.types[k_values].type)));
}

std::shared_ptr<const rounding_model> model_of(const attention_variant& of, const described& by,
                                               const as_contiguous& contiguous) {
  return make_model([=](const auto& a, const case_inputs& given) {
    using arithmetic = std::decay_t<decltype(a)>;
    const case_inputs in = contiguous(given);
    const attention_shape shape = attention_shape::of(in.id);
    const attention_scale scale = scale_of(in);
    const attention_arithmetic<arithmetic> whole(a, attention_algorithm::naive, scale.value,
                                                 scale.error, reference::k_fp32);
    const decode_arithmetic<arithmetic> parts(a, scale.value, scale.error, division_of(by, in.id));
    model_outputs<arithmetic> out(2);
    out[1].resize(std::size_t(shape.rows()));
    for (std::int64_t r = 0; r < shape.rows(); ++r) {
      const seen_row row = seen_by(of, shape, in, r);
      auto result = by.keys == 0 ? whole.row(row.q, row.keys, row.values, 0)
                                 : parts.row(row.q, row.keys, row.values);
      out[0].insert(out[0].end(), result.o.begin(), result.o.end());
      out[1][std::size_t(shape.lse_at(row.at))] = result.lse;
    }
    return out;
  });
}

// What a case says of a cache, whether it has pages or not.
struct cache_of_case {
  attention_shape shape;
  std::int64_t page = 0;  // 0: none
  std::vector<double> lengths;
  double size = 4;  // bytes of an element

  double width() const { return double(shape.width); }
  std::int64_t length(std::int64_t batch) const {
    return reference::cached_keys(std::int64_t(lengths[std::size_t(batch)]), shape.keys);
  }
  std::int64_t last(std::int64_t query, std::int64_t length) const {
    return std::max<std::int64_t>(0, length - shape.queries + query + 1);
  }
};

cache_of_case cache_in(const case_id& id) {
  const contract& c = contract_of(id);
  const bool paged = id.variant == "paged";
  cache_of_case all;
  all.page = paged ? id.dimension("page") : 0;
  all.shape = attention_shape::of(paged ? contiguous_id(id) : id);
  all.lengths = drawn_input(c, id, paged ? k_fourth + 1 : k_fourth);
  all.size = double(size_of(id.types[0].type));
  return all;
}

// Of each query: it and every key that it sees, twice, and once more for every 32 columns; the
// values; its results; a length for each lane. Whoever touches a key or a value looks up its page.
double naive_traffic(const case_id& id) {
  const cache_of_case cache = cache_in(id);
  const attention_shape& shape = cache.shape;
  const double times = 2 + double((shape.width + 31) / 32), width = cache.width();
  double bytes = 0;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t i = 0; i < shape.queries; ++i) {
      const auto seen = double(cache.last(i, cache.length(b)));
      double row = seen * width * cache.size * (2 * times + 1) + width * cache.size + 4 + 32 * 4;
      if (cache.page > 0) row += seen * 4 * (times + width);
      bytes += row * double(shape.heads * shape.group);
    }
  return bytes;
}

// Of the block of a split: every key and value of it once; each query once for each team; pages
// once; a length for each thread; and what it writes, results or parts of them.
double block_traffic(const cache_of_case& cache, const described& by, const decode_division& how,
                     std::int64_t batch, std::int64_t split, std::int64_t first,
                     std::int64_t count) {
  const std::int64_t length = cache.length(batch), begin = split * by.keys;
  const auto last_of = [&](std::int64_t row) {
    return cache.last(row / cache.shape.group, length);
  };
  const std::int64_t end = std::min(begin + by.keys, last_of(first + count - 1));
  double bytes = 128 * 4;
  if (begin > 0 && end <= begin) return bytes;
  bytes += double(count * how.teams()) * cache.width() * cache.size;
  if (end > begin) {
    bytes += double(end - begin) * cache.width() * cache.size * 2;
    if (cache.page > 0) bytes += 4 * double((end - 1) / cache.page - begin / cache.page + 1);
  }
  for (std::int64_t row = first; row < first + count; ++row) {
    if (begin > 0 && last_of(row) <= begin) continue;
    const bool direct = last_of(row) <= by.keys && !by.combined;
    bytes += direct ? cache.width() * cache.size + 4 : (cache.width() + 2) * 4;
  }
  return bytes;
}

// Of each query whose parts are put together: those, of which m is read twice; its results; for
// each lane a length, of the others too.
double combining_traffic(const cache_of_case& cache, const described& by,
                         const decode_division& how) {
  const attention_shape& shape = cache.shape;
  double bytes = 0;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t i = 0; i < shape.queries; ++i) {
      const std::int64_t last = cache.last(i, cache.length(b));
      bytes += 32 * 4;
      if (last <= by.keys && !by.combined) continue;
      bytes += double(how.splits_of(last)) * (3 + cache.width()) * 4;
      bytes += cache.width() * cache.size + 4;
    }
  return bytes * double(shape.heads * shape.group);
}

double split_traffic(const described& by, const case_id& id) {
  const cache_of_case cache = cache_in(id);
  const attention_shape& shape = cache.shape;
  const decode_division how = division_of(by, id);
  const std::int64_t rows = shape.queries * shape.group,
                     most = rows <= 1   ? 1
                            : rows <= 4 ? 4
                                        : 8,
                     splits = how.splits_of(shape.keys);
  double bytes = 0;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t s = 0; s < splits; ++s)
      for (std::int64_t first = 0; first < rows; first += most)
        bytes += block_traffic(cache, by, how, b, s, first, std::min(most, rows - first));
  bytes *= double(shape.heads);
  return splits > 1 || by.combined ? bytes + combining_traffic(cache, by, how) : bytes;
}

std::string declined_by_split(const case_id& id) {
  return id.dimension("d") > 128 ? "takes heads of 128 at most" : std::string();
}

}  // namespace

std::vector<implementation> decode_implementations(const attention_variant& of,
                                                   as_contiguous contiguous) {
  std::vector<implementation> made;
  for (const described& each : k_kernels) {
    implementation& it = made.emplace_back();
    it.name = each.name;
    it.about = each.about;
    it.numerics = each.numerics;
    it.model = model_of(of, each, contiguous);
    it.promises = [=](const case_inputs& in, std::size_t output) {
      return promised_attention(of, contiguous(in), output);
    };
    it.domain_text = k_attention_domain;
    it.traffic = [each](const case_id& id) {
      return each.keys == 0 ? naive_traffic(id) : split_traffic(each, id);
    };
    if (each.keys > 0) it.declines = declined_by_split;
  }
  return made;
}

}  // namespace assay::properties
