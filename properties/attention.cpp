#include "reference/attention.hpp"

#include "properties/attention_cases.hpp"
#include "properties/attention_map.hpp"
#include "properties/attention_numerics.hpp"
#include "properties/attention_precise.hpp"
#include "properties/attention_properties.hpp"
#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

std::vector<truth> exact_outputs(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const attention_scale scale = scale_of(in);
  truth o, lse;
  lse.value.resize(std::size_t(shape.rows()));
  lse.error.resize(lse.value.size());
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    const auto seen =
        reference::attend_with_error(row.q, row.keys, row.values, scale.value, scale.error);
    for (const reference::approximation& each : seen.o) {
      o.value.push_back(each.value);
      o.error.push_back(each.error);
    }
    lse.value[std::size_t(shape.lse_at(row.at))] = seen.lse.value;
    lse.error[std::size_t(shape.lse_at(row.at))] = seen.lse.error;
  }
  return {o, lse};
}

void add_tensors(contract& c, const attention_variant& of) {
  c.dimensions = {"batch", "q", "k", "heads", "group", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}}, {"k", {}}, {"q", {}}};
  const std::vector<std::string> queries = {"batch", "q", "heads", "group", "d"},
                                 keys = {"batch", "k", "heads", "d"};
  c.inputs = {{"q", queries}, {"k", keys}, {"v", keys}};
  if (of.padding) c.inputs.push_back({"lengths", {"batch"}, drawn::as_length, "k"});
  c.outputs = {{"o", queries}, {"lse", {"batch", "heads", "group", "q"}}};
  for (dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    std::vector<dtype> types = {t, t, t};
    if (of.padding) types.push_back(dtype::int32);
    types.insert(types.end(), {t, dtype::fp32});
    c.signatures.push_back(types);
  }
  c.parameters = {{"scale", 0, "what scores are multiplied by; 0: 1/sqrt(d)", 0, 0x1p20}};
  if (of.window) {
    c.parameters.push_back(
        {"left", 3, "so many keys before a query's own are seen", 0, 0x1p24, true});
    c.parameters.push_back({"right", 1, "so many keys behind it", 0, 0x1p24, true});
  }
}

// Pairs of a query and a key that it sees, over all heads.
double seen_pairs(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  double seen = 0;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t i = 0; i < shape.queries; ++i)
      seen += double(mask_of(of, in, b).seen(i, shape.queries, shape.keys).count());
  return seen * double(shape.heads * shape.group);
}

double masked_share(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const double all = double(shape.rows()) * double(shape.keys);
  return all > 0 ? 1 - seen_pairs(of, in) / all : 0;
}

// Every tensor once; two products of two operations for each pair.
cost cost_of(const contract& c, const attention_variant& of, const case_id& id) {
  cost all;
  std::size_t t = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors) {
      double elements = 1;
      for (std::int64_t extent : shape_of(each, id)) elements *= double(extent);
      all.bytes += elements * double(size_of(id.types[t++].type));
    }
  case_inputs in;
  in.id = id;
  for (const parameter_spec& each : c.parameters)
    in.parameters.push_back(value_of(id.shape, each.name, each.otherwise).as_double());
  in.values.resize(c.inputs.size());
  if (of.padding) in.values[k_lengths] = drawn_input(c, id, k_lengths);
  all.flops = 4 * seen_pairs(of, in) * double(id.dimension("d"));
  return all;
}

contract contract_for(const attention_variant& of) {
  contract c;
  c.component = "attention";
  c.variant = of.name;
  c.direction = "fwd";
  c.about = of.formula;
  c.takes_gaps = true;
  add_tensors(c, of);
  c.exact = [of](const case_inputs& in) { return exact_outputs(of, in); };
  c.precise = precise_attention(of);
  c.policies = [] { return std::vector<comparison_policy>(2, {.zero_sign = false}); };
  // The elements of a row share its weights and their sum.
  c.group = [](const case_id& id, std::size_t output) {
    return output == 0 ? std::max<std::int64_t>(id.dimension("d"), 1) : 1;
  };
  c.map = attention_map(of);
  c.implementations = attention_implementations(of);
  if (of.causal || of.window || of.padding)
    c.masked_share = [of](const case_inputs& in) { return masked_share(of, in); };
  add_attention_properties(c, of);
  c.cases = attention_cases(c);
  c.decoy_case = attention_case(c, c.signatures.front(), {2, 6, 37, 1, 2, 32, {"normal", {}}}, 1);
  c.timed_case =
      attention_case(c, c.signatures.front(), {1, 256, 256, 1, 1, 64, {"normal", {}}}, 1);
  c.cost_of = [of, inputs = c.inputs, outputs = c.outputs,
               parameters = c.parameters](const case_id& id) {
    contract part;
    part.inputs = inputs, part.outputs = outputs, part.parameters = parameters;
    return cost_of(part, of, id);
  };
  return c;
}

}  // namespace

std::vector<contract> attention_contracts() {
  const std::vector<attention_variant> variants = {
      {.name = "dense", .formula = "o = softmax(scale q k^T) v, lse = log sum e^(scale q k^T)"},
      {.name = "causal",
       .formula = "attention of query i to the first i + 1 + k - q keys",
       .causal = true},
      {.name = "window",
       .formula = "attention to `left` keys before a query's own and `right` behind it",
       .window = true},
      {.name = "padding",
       .formula = "attention to the first lengths[b] keys of each batch",
       .padding = true},
  };
  std::vector<contract> all;
  for (const attention_variant& of : variants) all.push_back(contract_for(of));
  return all;
}

}  // namespace assay::properties
