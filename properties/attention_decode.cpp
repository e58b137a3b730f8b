#include "reference/attention_decode.hpp"

#include "properties/attention_cases.hpp"
#include "properties/attention_contract.hpp"
#include "properties/attention_decode_numerics.hpp"
#include "properties/attention_decode_properties.hpp"
#include "properties/attention_map.hpp"
#include "properties/attention_numerics.hpp"
#include "properties/attention_paged.hpp"
#include "properties/attention_precise.hpp"
#include "properties/attention_shape.hpp"

namespace assay::properties {
namespace {

const attention_variant k_decode = {
    .name = "decode", .sees = "the first lengths[b] - q + i + 1 keys of its batch", .decode = true};

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_attention> all = {
      {0, 1, 3, 1, 1, 32, {"normal", {}}},
      {2, 0, 4, 2, 1, 32, {"normal", {}}},
      {2, 1, 0, 1, 1, 32, {"normal", {}}},
      {1, 1, 1, 1, 1, 32, {"normal", {}}},
      {3, 1, 700, 2, 1, 32, {"normal", {}}},
      {2, 5, 7, 1, 2, 8, {"normal", {}}},
      {3, 2, 70, 1, 5, 32, {"normal", {}}},
      {2, 3, 2, 1, 1, 32, {"special", {}}},
      {2, 4, 90, 1, 1, 64, {"tails", {}}, 16},
      {2, 1, 290, 1, 1, 96, {"normal", {{"scale", 3}}}},
      {2, 1, 520, 1, 1, 64, {"uniform", {{"low", -2}, {"high", 2}}}},
      {2, 2, 90, 1, 1, 128, {"normal", {}}, 256, 0, 4},
      {2, 1, 70, 1, 4, 32, {"wide", {}}},
      {2, 2, 24, 1, 1, 32, {"exact", {}}},
      {2, 1, 80, 1, 1, 32, {"constant", {{"value", -0.75}}}},
      {2, 2, 130, 2, 2, 32, {"normal", {}}, 256, 8},
      {2, 6, 11, 2, 1, 20, {"normal", {}}, 1, 3},
  };
  // From that seed on the sequences of the goldens' small cases have keys.
  return attention_cases(c, all, 10);
}

// The keys and values that there are, once each, and not those that there is room for.
cost cost_of(const case_id& id) {
  const case_inputs in = masks_drawn_by(k_decode, id);
  const attention_shape shape = attention_shape::of(id);
  const double size = double(size_of(id.types[0].type)), width = double(shape.width);
  cost all{double(shape.rows()) * (2 * width * size + 4) + 4 * double(shape.batch)};
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    const std::int64_t keys = keys_of(k_decode, in, b);
    all.bytes += 2 * double(keys * shape.heads) * width * size;
    for (std::int64_t i = 0; i < shape.queries; ++i)
      all.flops += 4 * width * double(shape.heads * shape.group) *
                   double(std::max<std::int64_t>(0, keys - shape.queries + i + 1));
  }
  return all;
}

contract decode_contract() {
  contract c = attention_contract(k_decode, true);
  c.about =
      "o = softmax(scale q k^T) v, lse = log sum e^(scale q k^T); a query sees " + k_decode.sees;
  c.exact = [](const case_inputs& in) { return exact_attention(k_decode, in); };
  c.precise = precise_attention(k_decode);
  c.map = attention_map(k_decode);
  c.implementations = decode_implementations(k_decode, [](const case_inputs& in) { return in; });
  c.usual["q"] = {1, 4, 2, 7, 16};  // few
  add_decode_properties(c);
  c.cases = cases_of(c);
  const std::vector<dtype>& types = c.signatures.front();
  // One sequence longer than a split, one shorter.
  c.decoy_case = attention_case(c, types, {2, 2, 300, 1, 2, 32, {"normal", {}}}, 20);
  c.timed_case = attention_case(c, types, {1, 1, 4096, 1, 1, 128, {"normal", {}}}, 1);
  c.cost_of = cost_of;
  return c;
}

}  // namespace

std::vector<contract> attention_decode_contracts() {
  const contract decode = decode_contract();
  return {decode, paged_contract(decode, k_decode)};
}

}  // namespace assay::properties
