#include "properties/attention_paged.hpp"

#include "properties/attention_decode_numerics.hpp"
#include "properties/attention_decode_pages.hpp"
#include "properties/attention_decode_properties.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

void add_tensors(contract& c) {
  c.dimensions = {"batch", "q", "pages", "page", "slots", "heads", "group", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}},
             {"page", {16, 1, 8, 32, 5, 2, 64, 3, 4, 7, 12}},
             {"pages", {6, 1, 3, 12, 40, 2, 0}},
             {"q", {1, 4, 2, 7, 9}}};
  const std::vector<std::string> queries = {"batch", "q", "heads", "group", "d"},
                                 cache = {"pages", "page", "heads", "d"},
                                 rows = {"batch", "heads", "group", "q"};
  c.inputs = {{"q", queries},
              {"k", cache},
              {"v", cache},
              {"table", {"batch", "slots"}, drawn::as_index, "pages"},
              {"lengths", {"batch"}, drawn::as_length, "slots page"}};
  c.outputs = {{"o", queries}, {"lse", rows}};
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back({t, t, t, dtype::int32, dtype::int32, t, dtype::fp32});
}

struct wanted_pages {
  std::int64_t batch, queries, pages, page, slots, heads, group, width;
  distribution_id from = {"normal", {}};
  std::int64_t align = 256, pad = 0;
  double scale = 0;
};

case_id paged_case(const contract& c, const std::vector<dtype>& types, const wanted_pages& wanted,
                   std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"batch", wanted.batch}, {"q", wanted.queries},   {"pages", wanted.pages},
              {"page", wanted.page},   {"slots", wanted.slots}, {"heads", wanted.heads},
              {"group", wanted.group}, {"d", wanted.width}};
  if (wanted.align != 256) id.shape.push_back({"align", std::max(wanted.align, std::int64_t(4))});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  id.shape.push_back({"scale", wanted.scale});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_pages> all = {
      {0, 1, 3, 16, 2, 1, 1, 32},
      {2, 1, 0, 16, 2, 1, 1, 32},
      {2, 1, 3, 16, 0, 1, 1, 32},
      {1, 1, 1, 1, 1, 1, 1, 32},
      {3, 1, 12, 16, 20, 2, 1, 32},
      {2, 5, 4, 3, 3, 1, 2, 8},
      {2, 2, 6, 8, 9, 1, 5, 32},
      {2, 3, 6, 16, 1, 1, 1, 32, {"special", {}}},
      {2, 1, 9, 7, 11, 1, 1, 64, {"tails", {}}, 16},
      {2, 1, 6, 32, 4, 1, 2, 128, {"uniform", {{"low", -2}, {"high", 2}}}},
      {2, 2, 6, 16, 5, 1, 1, 32, {"normal", {}}, 256, 0, 4},
      {2, 2, 6, 16, 2, 1, 1, 32, {"exact", {}}},
      {2, 1, 6, 16, 5, 2, 2, 96, {"normal", {}}, 256, 8},
      {2, 3, 7, 5, 4, 2, 1, 20, {"normal", {}}, 4, 3},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 13;  // from there on the sequences of the goldens' small cases have keys
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_pages& each : all) cases.push_back(paged_case(c, types, each, seed++));
  return cases;
}

// The inputs of a case that say what is where.
case_inputs places_of(const contract& c, const case_id& id) {
  case_inputs in{id, std::vector<std::vector<double>>(c.inputs.size()), {}};
  for (const std::size_t t : {k_table, k_paged_lengths}) in.values[t] = drawn_input(c, id, t);
  return in;
}

// As of the same cache in one piece, and so many entries of the table as have keys.
cost cost_of(const case_id& id, const contract& decode) {
  const contract& c = contract_of(id);
  const case_inputs in = places_of(c, id);
  const case_id contiguous = contiguous_id(id);
  const attention_shape shape = attention_shape::of(contiguous);
  const std::int64_t page = id.dimension("page");
  const double size = double(size_of(id.types[0].type)), width = double(shape.width);
  cost all{double(shape.rows()) * (2 * width * size + 4) + 4 * double(shape.batch)};
  case_inputs lengths{contiguous, std::vector<std::vector<double>>(4), {}};
  lengths.values[k_fourth] = in.values[k_paged_lengths];
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    const std::int64_t keys = keys_of({.name = decode.variant, .decode = true}, lengths, b);
    all.bytes += 2 * double(keys * shape.heads) * width * size +
                 4 * double(page > 0 ? (keys + page - 1) / page : 0);
    for (std::int64_t i = 0; i < shape.queries; ++i)
      all.flops += 4 * width * double(shape.heads * shape.group) *
                   double(std::max<std::int64_t>(0, keys - shape.queries + i + 1));
  }
  return all;
}

}  // namespace

contract paged_contract(const contract& decode, const attention_variant& of) {
  contract c;
  c.component = "attention";
  c.variant = "paged";
  c.direction = "fwd";
  c.about =
      "attention.decode.fwd, key j of a batch on page table[batch][j / page]; on no page: NaN";
  c.takes_gaps = true;
  add_tensors(c);
  c.parameters = decode.parameters;
  c.exact = [exact = decode.exact](const case_inputs& in) { return exact(gathered(in)); };
  c.precise = decode.precise;
  c.precise.exact = [exact = decode.precise.exact](const case_inputs& in) {
    return exact(gathered(in));
  };
  c.policies = decode.policies;
  c.group = decode.group;
  c.implementations = decode_implementations(of, gathered);
  add_paged_properties(c);
  c.cases = cases_of(c);
  const std::vector<dtype>& types = c.signatures.front();
  // One sequence longer than a split, one shorter.
  c.decoy_case = paged_case(c, types, {2, 3, 5, 16, 20, 1, 2, 32}, 39);
  c.timed_case = paged_case(c, types, {1, 1, 256, 16, 256, 1, 1, 128}, 1);
  c.cost_of = [decode](const case_id& id) { return cost_of(id, decode); };
  return c;
}

}  // namespace assay::properties
