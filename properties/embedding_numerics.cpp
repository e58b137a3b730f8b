#include "properties/embedding_numerics.hpp"

#include "properties/accumulation.hpp"
#include "properties/embedding_shape.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace assay::properties {
namespace {

// What a lane moves at once, and how many of it make a row: 16 bytes where all matrices' rows begin
// at multiples of those.
struct row_words {
  double element = 4, words = 0;

  explicit row_words(const case_id& id) {
    const embedding_shape shape = embedding_shape::of(id);
    const dtype type = id.types.back().type;
    const auto size = std::int64_t(size_of(type));
    bool whole = value_of(id.shape, "align", 256).as_integer() >= 16;
    const std::int64_t pad = value_of(id.shape, "pad", 0).as_integer();
    for (const std::int64_t gap : {pad, 2 * pad, 3 * pad})
      whole = whole && (shape.width + gap) * size % 16 == 0;
    const std::int64_t elements = whole ? 16 / size : 1;
    element = double(size);
    words = double((shape.width + elements - 1) / elements);
  }
};

// Both tables' rows and x of each id, or x alone; the id, and where sequences go on the length of
// its own, once a word.
double gather_traffic(const case_id& id) {
  const embedding_shape shape = embedding_shape::of(id);
  const row_words row(id);
  const case_inputs in = make_inputs(contract_of(id), id);
  const std::vector<std::int64_t> ids = embedding_ids(in), places = embedding_places(in);
  double bytes = 0;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const bool both = shape.has(ids[k]) && shape.has_position(places[k]);
    bytes += (both ? 3 : 1) * double(shape.width) * row.element + (goes_on(id) ? 8 : 4) * row.words;
  }
  return bytes;
}

// Of dpositions: every row of dx, and every row of the table.
double positions_traffic(const embedding_shape& shape, const row_words& row) {
  return double(shape.ids() + shape.positions) * double(shape.width) * row.element;
}

double naive_traffic(const case_id& id) {
  const embedding_shape shape = embedding_shape::of(id);
  const row_words row(id);
  const double width = double(shape.width), ids = double(shape.ids());
  double met = 0;
  for (const std::int64_t each : embedding_ids(make_inputs(contract_of(id), id)))
    met += shape.has(each);
  return positions_traffic(shape, row) +
         (double(shape.tokens) * (4 * ids + row.element) + met * row.element) * width;
}

// Bytes of the bisections for the first place of each token.
double bisection_traffic(const embedding_shape& shape, std::vector<std::int64_t> ids) {
  for (std::int64_t& each : ids)
    if (!shape.has(each)) each = shape.tokens;
  std::sort(ids.begin(), ids.end());
  double bytes = 0;
  for (std::int64_t wanted = 0; wanted <= shape.tokens; ++wanted) {
    std::size_t first = 0, last = ids.size();
    while (first < last) {
      const std::size_t middle = (first + last) / 2;
      bytes += 8;  // a place and its id
      if (ids[middle] < wanted)
        first = middle + 1;
      else
        last = middle;
    }
    bytes += 4;
  }
  return bytes;
}

double sorted_traffic(const case_id& id) {
  constexpr std::int64_t k_digits = 256, k_tile = 4096;
  const embedding_shape shape = embedding_shape::of(id);
  const row_words row(id);
  const std::vector<std::int64_t> ids = embedding_ids(make_inputs(contract_of(id), id));
  const double n = double(shape.ids()), width = double(shape.width);
  const auto tiles = double((shape.ids() + k_tile - 1) / k_tile);
  const int passes = (std::bit_width(std::uint64_t(shape.tokens)) + 7) / 8;
  double bytes = positions_traffic(shape, row) + bisection_traffic(shape, ids);
  // Ids twice a pass, places too but in the first; counts written, read, written, read.
  for (int pass = 0; pass < passes && n > 0; ++pass)
    bytes += (pass == 0 ? 2 : 4) * 4 * n + 4 * n + 4 * 4 * k_digits * tiles;
  bytes += double(shape.tokens) * (width * row.element + 8 * row.words);
  for (const std::int64_t each : ids)
    if (shape.has(each)) bytes += width * row.element + 4 * row.words;
  return bytes;
}

// Sums cleared and added to; where they are not the output itself, read and rounded.
double atomic_traffic(const case_id& id) {
  const embedding_shape shape = embedding_shape::of(id);
  const row_words row(id);
  const double table = double(shape.tokens * shape.width);
  double bytes = positions_traffic(shape, row) + 4 * table;
  if (row.element < 4) bytes += (4 + row.element) * table;
  for (const std::int64_t each : embedding_ids(make_inputs(contract_of(id), id)))
    bytes += 4 * row.words + (shape.has(each) ? double(shape.width) * (row.element + 4) : 0);
  return bytes;
}

implementation gather() {
  implementation it;
  it.name = "gather";
  it.about = "a warp 32 words of 16 bytes of a row; ids and lengths are looked up once a word";
  it.numerics = "the sum of both rows in fp32, rounded to the output";
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const embedding_shape shape = embedding_shape::of(in.id);
    const std::vector<std::int64_t> ids = embedding_ids(in), places = embedding_places(in);
    model_outputs<arithmetic> x(1);
    for (std::size_t k = 0; k < ids.size(); ++k)
      for (std::int64_t c = 0; c < shape.width; ++c) {
        if (!shape.has(ids[k]) || !shape.has_position(places[k])) {
          x[0].push_back(arithmetic::exact(reference::k_nan));
          continue;
        }
        const auto element = [&](std::size_t tensor, std::int64_t row) {
          return arithmetic::exact(in.values[tensor][std::size_t(row * shape.width + c)]);
        };
        x[0].push_back(a.add(element(k_embedding_forward.tokens, ids[k]),
                             element(k_embedding_forward.positions, places[k])));
      }
    return x;
  });
  it.traffic = gather_traffic;
  return it;
}

// The sums of a table's rows, added up as `sum_of` does it.
template <class Arithmetic, class SumOf>
void append_sums(std::vector<typename Arithmetic::value>& to, const case_inputs& in,
                 const std::vector<std::int64_t>& ids, std::int64_t rows, const SumOf& sum_of) {
  const std::int64_t width = embedding_shape::of(in.id).width;
  for (const std::vector<std::int64_t>& places : reference::places_of(ids, rows))
    for (std::int64_t c = 0; c < width; ++c) {
      std::vector<typename Arithmetic::value> terms;
      for (const std::int64_t k : places)
        terms.push_back(
            Arithmetic::exact(in.values[k_embedding_backward.dx][std::size_t(k * width + c)]));
      to.push_back(sum_of(terms));
    }
}

// Sums whose finite terms stay below 2^127 in magnitude overflow in no order.
std::vector<bool> promised_sums(const case_inputs& in, std::size_t output) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const auto lists = output == 0
                         ? reference::places_of(embedding_ids(in), shape.tokens)
                         : reference::places_of(reference::position_ids(shape.batch, shape.length),
                                                shape.positions);
  std::vector<bool> promised;
  for (const std::vector<std::int64_t>& places : lists)
    for (std::int64_t c = 0; c < shape.width; ++c) {
      double magnitude = 0;
      for (const std::int64_t k : places) {
        const double dx = in.values[k_embedding_backward.dx][std::size_t(k * shape.width + c)];
        magnitude += std::isfinite(dx) ? std::abs(dx) : 0;
      }
      promised.push_back(places.size() < 2 || magnitude <= 0x1p127);
    }
  return promised;
}

implementation backward(bool atomic) {
  implementation it;
  it.deterministic = !atomic;
  it.promises = promised_sums;
  it.domain_text = "sums whose finite terms stay below 2^127 in magnitude";
  it.model = make_model([atomic](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    using terms = std::vector<typename arithmetic::value>;
    const embedding_shape shape = embedding_shape::of(in.id);
    const auto in_order = [&](const terms& each) { return sum(a, sequential(), each); };
    model_outputs<arithmetic> out(2);
    append_sums<arithmetic>(out[0], in, embedding_ids(in), shape.tokens, [&](const terms& each) {
      return atomic && !each.empty() ? sum_by_atomics(a, each) : in_order(each);
    });
    append_sums<arithmetic>(out[1], in, reference::position_ids(shape.batch, shape.length),
                            shape.positions, in_order);
    return out;
  });
  it.numerics = atomic ? "sums of fp32, of dtokens in any order, rounded to the output"
                       : "sums of fp32 from the first token to the last, rounded to the output";
  return it;
}

}  // namespace

std::vector<implementation> embedding_implementations(bool forward) {
  if (forward) return {gather()};
  implementation sorted = backward(false), naive = backward(false), atomic = backward(true);
  sorted.name = "sorted";
  sorted.about = "places of the ids by a stable radix sort; then a warp 32 words of a table's row";
  sorted.traffic = sorted_traffic;
  naive.name = "naive";
  naive.about = "a thread an element of the table of tokens looks at every id";
  naive.traffic = naive_traffic;
  atomic.name = "atomic";
  atomic.about = "every token adds its row to sums in fp32 by atomics";
  atomic.traffic = atomic_traffic;
  return {sorted, naive, atomic};
}

}  // namespace assay::properties
