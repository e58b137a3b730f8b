#include "reference/multi_head.hpp"

#include "properties/contract.hpp"
#include "properties/multi_head_numerics.hpp"
#include "properties/multi_head_precise.hpp"
#include "properties/multi_head_properties.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

std::vector<truth> exact_outputs(const multi_head_variant& of, const case_inputs& in) {
  const multi_head_shape shape = multi_head_shape::of(in);
  truth y;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (const reference::approximation& each : reference::multi_head_with_error(
             shape.tokens_of(in, b), weights_of(in), shape.heads, of.causal)) {
      y.value.push_back(each.value);
      y.error.push_back(each.error);
    }
  return {y};
}

// Weights are drawn like everything else, and made smaller by the power of two that is nearest to
// sqrt(c), so that a product with them is about as large as what it is of: else queries and keys
// were sqrt(c) times as large as x, and scores c times as large as they are in a model.
void shrink_weights(case_inputs& in) {
  const std::int64_t c = in.id.dimension("c");
  const int halvings = c > 0 ? (std::ilogb(double(c)) + 1) / 2 : 0;
  for (const std::size_t t : {k_w_qkv, k_w_out})
    for (double& w : in.values[t]) w = round_to(in.id.types[t].type, std::ldexp(w, -halvings));
}

void add_tensors(contract& c) {
  c.dimensions = {"batch", "t", "c"};
  c.usual = {{"c", {32, 64, 96, 128, 1, 20, 24}}, {"t", {5, 1, 2, 3, 16, 31, 33, 64, 70}}};
  c.most_drawn = 2;
  c.divided_by = {{"c", "heads"}};
  c.inputs = {{"x", {"batch", "t", "c"}},
              {"w_qkv", {"c", "3c"}},
              {"b_qkv", {"3c"}},
              {"w_out", {"c", "c"}},
              {"b_out", {"c"}}};
  c.outputs = {{"y", {"batch", "t", "c"}}};
  c.parameters = {{"heads", 1, "into so many parts are channels split, evenly", 1, 0x1p24, true}};
  for (dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back(std::vector<dtype>(6, t));
}

double seen_pairs(const multi_head_variant& of, const multi_head_shape& shape) {
  const double t = double(shape.tokens);
  return double(shape.batch) * (of.causal ? t * (t + 1) / 2 : t * t);
}

// Every tensor once; two operations for each weight and token, and four for each pair of tokens
// and channel.
cost cost_of(const multi_head_variant& of, const case_id& id) {
  const multi_head_shape shape = multi_head_shape::of(id);
  const double rows = double(shape.batch * shape.tokens), c = double(shape.channels);
  return {(2 * rows * c + 4 * c * (c + 1)) * double(size_of(id.types[k_x].type)),
          2 * rows * 4 * c * c + 4 * seen_pairs(of, shape) * c};
}

struct wanted_multi_head {
  std::int64_t batch, tokens, channels, heads;
  distribution_id from = {"normal", {}};
  std::int64_t align = 256, pad = 0;
};

case_id multi_head_case(const contract& c, const std::vector<dtype>& types,
                        const wanted_multi_head& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"batch", wanted.batch}, {"t", wanted.tokens}, {"c", wanted.channels}};
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  id.shape.push_back({"heads", wanted.heads});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_multi_head> all = {
      {0, 3, 32, 1},
      {2, 0, 32, 1},
      {1, 2, 0, 1},
      {2, 10, 32, 1},
      {1, 1, 32, 1},
      {1, 10, 64, 2},
      {3, 5, 24, 3},
      {1, 4, 1, 1},
      {1, 10, 128, 4, {"exact", {}}},
      {1, 3, 128, 1},
      {1, 17, 96, 1, {"exact", {}}},
      {2, 5, 32, 1, {"special", {}}},
      {1, 6, 32, 1, {"wide", {}}},
      {1, 10, 32, 1, {"exact", {}}},
      {2, 9, 32, 4, {"constant", {{"value", -0.75}}}},
      {1, 8, 32, 2, {"tails", {}}, 16},
      {1, 70, 32, 1, {"exact", {}}},
      {1, 13, 32, 1, {"uniform", {}}},
      {2, 7, 64, 2, {"normal", {}}, 256, 8},
      {2, 5, 20, 4, {"normal", {}}, 1, 3},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_multi_head& each : all)
      cases.push_back(multi_head_case(c, types, each, seed++));
  return cases;
}

contract contract_for(const multi_head_variant& of) {
  contract c;
  c.component = "multi_head";
  c.variant = of.name;
  c.direction = "fwd";
  c.about =
      "[q k v] = x w_qkv + b_qkv, o = softmax(q k^T / sqrt(c / heads)) v head by head, y = o w_out "
      "+ b_out; a token attends to " +
      of.sees;
  c.takes_gaps = true;
  add_tensors(c);
  c.finish_inputs = shrink_weights;
  c.exact = [of](const case_inputs& in) { return exact_outputs(of, in); };
  c.precise = precise_multi_head(of);
  c.policies = [] { return std::vector<comparison_policy>(1, {.zero_sign = false}); };
  // All rows of a batch share their keys and values, and what those are off by.
  c.group = [](const case_id& id, std::size_t) {
    return std::max<std::int64_t>(id.dimension("t") * id.dimension("c"), 1);
  };
  if (of.causal)
    c.masked_share = [of](const case_inputs& in) {
      const multi_head_shape shape = multi_head_shape::of(in);
      const double pairs = double(shape.batch) * double(shape.tokens) * double(shape.tokens);
      return pairs > 0 ? 1 - seen_pairs(of, shape) / pairs : 0;
    };
  c.implementations = multi_head_implementations(of);
  add_multi_head_properties(c, of);
  c.cases = cases_of(c);
  const std::vector<dtype>& types = c.signatures.front();
  c.decoy_case = multi_head_case(c, types, {4, 3, 64, 2}, 6);
  c.timed_case = multi_head_case(c, types, {1, 64, 128, 4}, 1);
  c.cost_of = [of](const case_id& id) { return cost_of(of, id); };
  return c;
}

}  // namespace

std::vector<contract> multi_head_contracts() {
  const std::vector<multi_head_variant> variants = {
      {.name = "dense", .sees = "all of them"},
      {.name = "causal", .sees = "itself and those before it", .causal = true}};
  std::vector<contract> all;
  for (const multi_head_variant& of : variants) all.push_back(contract_for(of));
  return all;
}

}  // namespace assay::properties
