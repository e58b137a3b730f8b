// kv_cache.append.fwd, kv_cache.append_paged.fwd: a cache of keys, or of values, with the rows of
// new tokens in it. A copy, so its bound is zero.

#include "reference/kv_cache.hpp"

#include "properties/contract.hpp"
#include "properties/kv_cache_places.hpp"
#include "properties/kv_cache_properties.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

std::vector<double> appended(const case_inputs& in) {
  std::vector<double> after = in.values[k_cache];
  const std::int64_t row = cache_shape::of(in.id).row;
  const std::vector<std::int64_t> places = places_of_new_rows(in);
  for (std::size_t i = 0; i < places.size(); ++i)
    if (places[i] >= 0)
      std::copy_n(in.values[k_new_rows].begin() + std::int64_t(i) * row, row,
                  after.begin() + places[i] * row);
  return after;
}

// What says where new rows go, without the rows.
case_inputs drawn_places(const case_id& id) {
  const contract& c = contract_of(id);
  const cache_shape of = cache_shape::of(id);
  case_inputs in{id, std::vector<std::vector<double>>(c.inputs.size()), {}};
  in.values[of.lengths()] = drawn_input(c, id, of.lengths());
  if (!of.paged) return in;
  in.values[k_cache_table] = drawn_input(c, id, k_cache_table);
  give_pages_one_writer(in);
  return in;
}

bool is_in_place(const case_id& id) { return value_of(id.shape, "inplace", 0) == number(1); }

// Every word that stays or comes, read and written, and what a thread wants to know of it: in one
// piece the length, for each word of the cache, to keep it, and for each new one; in pages both the
// length and the page, for each new word that there is room for. New words that go nowhere are not
// read.
double traffic_of(const case_id& id) {
  const cache_shape of = cache_shape::of(id);
  const case_inputs in = drawn_places(id);
  const std::int64_t size = std::int64_t(size_of(id.types[0].type)),
                     pad = value_of(id.shape, "pad", 0).as_integer();
  const bool words = id.dimension("d") * size % 16 == 0 && pad * size % 16 == 0 &&
                     value_of(id.shape, "align", 256).as_integer() >= 16;
  const double row = double(of.row) * double(size),
               words_of_row = row / (words ? 16 : double(size)),
               cache = double(of.held * of.tokens);
  double fit = 0, roomy = 0;
  for (const std::int64_t place : places_of_new_rows(in)) fit += place >= 0;
  for (const double length : in.values[of.lengths()])
    for (std::int64_t i = 0; i < of.news; ++i)
      roomy += reference::appended_at(i, std::int64_t(length), of.room).has_value();
  double known = double(of.new_rows());  // lengths and pages read, by each word of a row
  if (of.paged) known += roomy;
  double moved = fit;
  if (!is_in_place(id)) {
    known += of.paged ? 0 : cache;
    moved = of.paged ? cache + fit : cache;
  }
  return 4 * known * words_of_row + 2 * moved * row;
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

struct wanted_cache {
  std::int64_t batch, news, keys, heads, width;  // keys: of a batch, or of a page
  distribution_id from = {"normal", {}};
  std::int64_t align = 256, pad = 0;
  bool in_place = false;
  std::int64_t pages = 0, slots = 0;
};

case_id case_of(const contract& c, dtype type, const wanted_cache& wanted, std::uint64_t seed) {
  const bool paged = c.variant == k_append_paged;
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  id.types = {{"cache", type}, {"rows", type}};
  if (paged) id.types.push_back({"table", dtype::int32});
  id.types.insert(id.types.end(), {{"lengths", dtype::int32}, {"after", type}});
  id.shape = {{"batch", wanted.batch}, {"q", wanted.news}};
  if (paged)
    id.shape.insert(id.shape.end(),
                    {{"pages", wanted.pages}, {"page", wanted.keys}, {"slots", wanted.slots}});
  else
    id.shape.push_back({"k", wanted.keys});
  id.shape.insert(id.shape.end(), {{"heads", wanted.heads}, {"d", wanted.width}});
  if (wanted.align != 256) id.shape.push_back({"align", std::max<std::int64_t>(wanted.align, 4)});
  if (wanted.in_place) id.shape.push_back({"inplace", 1});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  return id;
}

std::vector<case_id> cases_of(const contract& c, const std::vector<wanted_cache>& wanted) {
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_cache& each : wanted) cases.push_back(case_of(c, types[0], each, seed++));
  return cases;
}

const std::vector<wanted_cache> k_in_one_piece = {
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

const std::vector<wanted_cache> k_in_pages = {
    {0, 1, 4, 1, 32, {"normal", {}}, 256, 0, false, 3, 2},
    {2, 0, 4, 2, 32, {"normal", {}}, 256, 0, false, 3, 2},
    {2, 2, 4, 1, 32, {"normal", {}}, 256, 0, false, 0, 2},
    {2, 2, 4, 1, 32, {"normal", {}}, 256, 0, false, 3, 0},
    {2, 2, 0, 1, 32, {"normal", {}}, 256, 0, false, 3, 2},
    {1, 1, 1, 1, 1, {"normal", {}}, 256, 0, false, 1, 1},
    {3, 1, 4, 2, 64, {"normal", {}}, 256, 0, false, 12, 5},
    {3, 7, 4, 2, 64, {"normal", {}}, 256, 0, true, 12, 5},
    {4, 5, 3, 2, 8, {"special", {}}, 256, 0, false, 9, 4},
    {4, 5, 7, 2, 20, {"tails", {}}, 4, 3, false, 6, 3},
    {4, 9, 16, 1, 20, {"normal", {}}, 16, 8, true, 6, 2},
    {3, 12, 5, 1, 32, {"patterns", {}}, 256, 0, false, 20, 4},
};

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
  const double rows =
      double(is_in_place(id) ? of.batch * std::min(of.news, of.room) : of.held * of.tokens);
  return {2 * rows * double(of.row) * double(size_of(id.types[0].type)) + 4 * double(of.batch), 0};
}

// What both have: tensors and cases are still to come.
contract append_contract(const char* variant, const std::vector<std::string>& cache) {
  contract c;
  c.component = "kv_cache";
  c.variant = variant;
  c.direction = "fwd";
  c.inputs = {{"cache", cache}, {"rows", {"batch", "q", "heads", "d"}}};
  c.outputs = {{"after", cache}};
  c.takes_gaps = true;
  c.exact = [](const case_inputs& in) { return std::vector<truth>{exactly(in)}; };
  c.precise = {"a copy", 0,
               [](const case_inputs& in) { return std::vector<truth>{in_many_digits(in)}; }};
  c.implementations = {words()};
  c.cost_of = cost_of;
  return c;
}

contract in_one_piece() {
  contract c = append_contract("append", {"batch", "k", "heads", "d"});
  c.about = "row lengths[b] + i of the cache = new row i, as far as there is room";
  c.dimensions = {"batch", "q", "k", "heads", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}}, {"k", {}}, {"q", {}}};
  c.inputs.push_back({"lengths", {"batch"}, drawn::as_length, "k"});
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back({t, t, dtype::int32, t});
  add_append_properties(c);
  c.cases = cases_of(c, k_in_one_piece);
  c.decoy_case = case_of(c, dtype::fp32, {2, 3, 37, 1, 32}, 3);
  c.timed_case = case_of(c, dtype::fp32, {1, 1, 4096, 1, 128}, 1);
  return c;
}

contract in_pages() {
  contract c = append_contract(k_append_paged, {"pages", "page", "heads", "d"});
  c.about =
      "row t % page of page table[b][t / page] = new row i, t = lengths[b] + i, where there is one";
  c.dimensions = {"batch", "q", "pages", "page", "slots", "heads", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}},
             {"page", {16, 1, 8, 32, 5, 2, 64, 3, 4, 7, 12}},
             {"pages", {6, 1, 3, 12, 40, 2, 0}},
             {"q", {1, 4, 2, 7, 9, 40}}};
  c.inputs.push_back({"table", {"batch", "slots"}, drawn::as_index, "pages"});
  c.inputs.push_back({"lengths", {"batch"}, drawn::as_length, "slots page"});
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back({t, t, dtype::int32, dtype::int32, t});
  c.finish_inputs = give_pages_one_writer;
  add_append_properties(c);
  c.cases = cases_of(c, k_in_pages);
  c.decoy_case = case_of(c, dtype::fp32, {2, 9, 5, 1, 32, {"normal", {}}, 256, 0, false, 11, 4}, 3);
  c.timed_case =
      case_of(c, dtype::fp32, {1, 1, 16, 1, 128, {"normal", {}}, 256, 0, false, 256, 256}, 1);
  return c;
}

}  // namespace

std::vector<contract> kv_cache_contracts() { return {in_one_piece(), in_pages()}; }

}  // namespace assay::properties
