// kv_cache.append.fwd: the cache of every batch's keys, or values, with the rows of new tokens in
// it. A copy, so its bound is zero.

#include "reference/kv_cache.hpp"

#include "properties/attention_relations.hpp"
#include "properties/contract.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::properties {
namespace {

constexpr std::size_t k_cache = 0, k_rows = 1, k_tokens = 2;

struct cache_shape {
  std::int64_t batch, news, keys, row;  // row: elements of a token, over all heads

  static cache_shape of(const case_id& id) {
    return {id.dimension("batch"), id.dimension("q"), id.dimension("k"),
            id.dimension("heads") * id.dimension("d")};
  }
};

// element(i, the tensor and the index that element i of the cache comes from), in order.
template <class Element>
void each_element(const case_inputs& in, const Element& element) {
  const cache_shape of = cache_shape::of(in.id);
  for (std::int64_t b = 0; b < of.batch; ++b)
    for (std::int64_t j = 0; j < of.keys; ++j) {
      const auto news = reference::appended_from(
          j, of.news, std::int64_t(in.values[k_tokens][std::size_t(b)]), of.keys);
      const std::int64_t from = news ? b * of.news + *news : b * of.keys + j;
      for (std::int64_t d = 0; d < of.row; ++d)
        element(std::size_t((b * of.keys + j) * of.row + d), news ? k_rows : k_cache,
                std::size_t(from * of.row + d));
    }
}

std::vector<double> appended(const case_inputs& in) {
  std::vector<double> after(in.values[k_cache].size());
  each_element(in, [&](std::size_t i, std::size_t tensor, std::size_t from) {
    after[i] = in.values[tensor][from];
  });
  return after;
}

// Every word that stays or comes, read and written, and a length for each thread: one for each word
// of the cache, to keep it, and of the new rows, of which those that find no room are not read.
double traffic_of(const case_id& id) {
  const contract& c = contract_of(id);
  const cache_shape of = cache_shape::of(id);
  const std::int64_t size = std::int64_t(size_of(id.types[0].type)),
                     pad = value_of(id.shape, "pad", 0).as_integer();
  const bool words = id.dimension("d") * size % 16 == 0 && pad * size % 16 == 0 &&
                     value_of(id.shape, "align", 256).as_integer() >= 16;
  const bool in_place = value_of(id.shape, "inplace", 0) == number(1);
  const double each = words ? 16 : double(size), row = double(of.row) * double(size);
  double bytes = double(of.batch * ((in_place ? 0 : of.keys) + of.news)) * row / each * 4;
  for (const double length : drawn_input(c, id, k_tokens)) {
    std::int64_t fit = 0;
    for (std::int64_t i = 0; i < of.news; ++i)
      fit += reference::appended_at(i, std::int64_t(length), of.keys).has_value();
    bytes += 2 * row * double(in_place ? fit : of.keys);
  }
  return bytes;
}

implementation words() {
  implementation it;
  it.name = "words";
  it.about = "a thread 16 bytes, where rows are made of such; else an element";
  it.numerics = "exact: no operation rounds";
  it.in_place = true;
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> out(1);
    for (const double each : appended(in)) out[0].push_back(arithmetic::exact(each));
    return out;
  });
  it.traffic = traffic_of;
  return it;
}

// What no new row takes is as it was; bit for bit, as all of this.
std::string broken_rest(const subject& s) {
  const std::vector<double> after = s.outputs()[0].got;
  std::string what;
  each_element(s.inputs(), [&](std::size_t i, std::size_t tensor, std::size_t from) {
    if (what.empty() && tensor == k_cache &&
        !reference::same(after[i], s.inputs().values[k_cache][from]))
      what = fmt::format("element {} was {:a} and is {:a}", i, s.inputs().values[k_cache][from],
                         after[i]);
  });
  return what;
}

// The new rows in two parts, one after the other.
std::string broken_parts(const subject& s) {
  const case_inputs& in = s.inputs();
  const cache_shape of = cache_shape::of(in.id);
  const auto part = [&](std::int64_t first, std::int64_t count) {
    case_inputs some = in;
    for (field& each : some.id.shape)
      if (each.key == "q") each.value = count;
    some.values[k_rows].clear();
    for (std::int64_t b = 0; b < of.batch; ++b) {
      const auto begin = in.values[k_rows].begin() + (b * of.news + first) * of.row;
      some.values[k_rows].insert(some.values[k_rows].end(), begin, begin + count * of.row);
    }
    return some;
  };
  const std::int64_t before = of.news / 3;
  case_inputs rest = part(before, of.news - before);
  rest.values[k_cache] = s.outputs(part(0, before))[0].got;
  for (double& length : rest.values[k_tokens])
    length = std::min(std::clamp(length, 0.0, double(of.keys)) + double(before), double(of.keys));
  return unlike(s.outputs(), s.outputs(rest));
}

// Into an empty cache, whatever is in it.
std::string broken_beginning(const subject& s) {
  case_inputs empty = s.inputs();
  const cache_shape of = cache_shape::of(empty.id);
  std::fill(empty.values[k_tokens].begin(), empty.values[k_tokens].end(), -1);
  const std::vector<double> after = s.outputs(empty)[0].got;
  for (std::int64_t b = 0; b < of.batch; ++b)
    for (std::int64_t i = 0; i < std::min(of.news, of.keys) * of.row; ++i) {
      const double wanted = empty.values[k_rows][std::size_t(b * of.news * of.row + i)],
                   got = after[std::size_t(b * of.keys * of.row + i)];
      if (!reference::same(wanted, got))
        return fmt::format("batch {}: element {} is {:a}, and should be {:a}", b, i, got, wanted);
    }
  return {};
}

struct wanted_cache {
  std::int64_t batch, news, keys, heads, width;
  distribution_id from = {"normal", {}};
  std::int64_t align = 256, pad = 0;
  bool in_place = false;
};

case_id case_of(const contract& c, dtype type, const wanted_cache& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  id.types = {{"cache", type}, {"rows", type}, {"lengths", dtype::int32}, {"after", type}};
  id.shape = {{"batch", wanted.batch},
              {"q", wanted.news},
              {"k", wanted.keys},
              {"heads", wanted.heads},
              {"d", wanted.width}};
  if (wanted.align != 256) id.shape.push_back({"align", std::max<std::int64_t>(wanted.align, 4)});
  if (wanted.in_place) id.shape.push_back({"inplace", 1});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_cache> all = {
      {0, 1, 3, 1, 32},
      {2, 0, 4, 2, 32},
      {2, 2, 0, 1, 32},
      {1, 1, 1, 1, 1},
      {3, 1, 9, 2, 64},
      {3, 1, 9, 2, 64, {"normal", {}}, 256, 0, true},
      {4, 5, 7, 2, 8, {"special", {}}},
      {4, 5, 7, 2, 20, {"tails", {}}, 4, 3},
      {4, 9, 20, 1, 20, {"normal", {}}, 16, 8, true},
      {3, 12, 5, 1, 32, {"patterns", {}}},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_cache& each : all) cases.push_back(case_of(c, types[0], each, seed++));
  return cases;
}

truth exactly(const case_inputs& in) {
  truth after;
  after.value = appended(in);
  return after;
}

// The same, as goldens want it: zeros with their sign, for nothing is computed.
truth in_many_digits(const case_inputs& in) {
  truth after = exactly(in);
  after.rounded = after.value;
  after.error.assign(after.value.size(), 0);
  return after;
}

// The cache read and written, or the new rows alone where it stays where it is; lengths.
cost cost_of(const case_id& id) {
  const cache_shape of = cache_shape::of(id);
  const bool in_place = value_of(id.shape, "inplace", 0) == number(1);
  const double rows = double(of.batch * (in_place ? std::min(of.news, of.keys) : of.keys));
  return {2 * rows * double(of.row) * double(size_of(id.types[0].type)) + 4 * double(of.batch), 0};
}

contract append_contract() {
  contract c;
  c.component = "kv_cache";
  c.variant = "append";
  c.direction = "fwd";
  c.about = "row lengths[b] + i of the cache = new row i, as far as there is room";
  c.dimensions = {"batch", "q", "k", "heads", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}}, {"k", {}}, {"q", {}}};
  const std::vector<std::string> cache = {"batch", "k", "heads", "d"};
  c.inputs = {{"cache", cache},
              {"rows", {"batch", "q", "heads", "d"}},
              {"lengths", {"batch"}, drawn::as_length, "k"}};
  c.outputs = {{"after", cache}};
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back({t, t, dtype::int32, t});
  c.takes_gaps = true;
  c.exact = [](const case_inputs& in) { return std::vector<truth>{exactly(in)}; };
  c.precise = {"a copy", 0,
               [](const case_inputs& in) { return std::vector<truth>{in_many_digits(in)}; }};
  c.implementations = {words()};
  c.properties = {{"what no new row takes is as it was", broken_rest},
                  {"appending in two steps is appending at once", broken_parts},
                  {"an empty cache begins with the new rows", broken_beginning}};
  c.cases = cases_of(c);
  c.decoy_case = case_of(c, dtype::fp32, {2, 3, 37, 1, 32}, 3);
  c.timed_case = case_of(c, dtype::fp32, {1, 1, 4096, 1, 128}, 1);
  c.cost_of = cost_of;
  return c;
}

}  // namespace

std::vector<contract> kv_cache_contracts() { return {append_contract()}; }

}  // namespace assay::properties
