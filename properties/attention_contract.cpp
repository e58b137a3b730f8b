#include "properties/attention_contract.hpp"

#include "properties/attention_cases.hpp"
#include "properties/attention_numerics.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

void add_tensors(contract& c, const attention_variant& of, bool forward) {
  c.dimensions = {"batch", "q", "k", "heads", "group", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}}, {"k", {}}, {"q", {}}};
  const std::vector<std::string> queries = {"batch", "q", "heads", "group", "d"},
                                 keys = {"batch", "k", "heads", "d"},
                                 rows = {"batch", "heads", "group", "q"};
  c.inputs = {{"q", queries}, {"k", keys}, {"v", keys}};
  if (of.has_lengths()) c.inputs.push_back({"lengths", {"batch"}, drawn::as_length, "k"});
  if (of.alibi) c.inputs.push_back({"slopes", {"heads", "group"}, drawn::as_slope});
  if (of.bias) c.inputs.push_back({"bias", {"heads", "group", "q", "k"}});
  if (of.blocks) c.inputs.push_back({"live", {"q/64", "k/64"}, drawn::as_flag});
  if (forward) {
    c.outputs = {{"o", queries}, {"lse", rows}};
  } else {
    c.inputs.insert(c.inputs.end(),
                    {{"o", queries}, {"lse", rows}, {"do", queries, drawn::as_gradient}});
    c.outputs = {{"dq", queries}, {"dk", keys}, {"dv", keys}};
  }
  for (dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    std::vector<dtype>& types = c.signatures.emplace_back();
    for (const auto* tensors : {&c.inputs, &c.outputs})
      for (const tensor_spec& each : *tensors) types.push_back(attention_dtype(each.name, t));
  }
}

void add_parameters(contract& c, const attention_variant& of) {
  c.parameters = {{"scale", 0, "what scores are multiplied by; 0: 1/sqrt(d)", 0, 0x1p20}};
  if (of.blocks)
    c.parameters.push_back(
        {"causal", 0, "1: nor does it see what lies behind its own key", 0, 1, true});
  if (!of.window) return;
  c.parameters.push_back(
      {"left", 3, "so many keys before a query's own are seen", 0, 0x1p24, true});
  c.parameters.push_back({"right", 1, "so many keys behind it", 0, 0x1p24, true});
}

std::int64_t pairs_there(const attention_variant& of, const case_inputs& in,
                         const attention_row& at, const reference::key_range& range) {
  if (!of.bias && !of.blocks) return range.count();
  std::int64_t there = 0;
  for (const double each : biases_of(of, in, at, range)) there += each != -reference::k_infinity;
  return there;
}

// Pairs of a query and a key that it sees, over all heads.
double seen_pairs(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  double seen = 0;
  const double heads = double(shape.heads * shape.group);
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t i = 0; i < shape.queries; ++i) {
      const reference::key_range range =
          mask_of(of, in, b).seen(i, shape.queries, keys_of(of, in, b));
      if (of.bias) {
        for (std::int64_t h = 0; h < shape.heads; ++h)
          for (std::int64_t g = 0; g < shape.group; ++g)
            seen += double(pairs_there(of, in, {b, i, h, g}, range));
      } else {
        seen += heads * double(pairs_there(of, in, {b, i, 0, 0}, range));
      }
    }
  return seen;
}

double masked_share(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const double all = double(shape.rows()) * double(shape.keys);
  return all > 0 ? 1 - seen_pairs(of, in) / all : 0;
}

// Every tensor once; so many products of two operations for each pair.
cost cost_of(const contract& c, const attention_variant& of, double products, const case_id& id) {
  cost all;
  std::size_t t = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors) {
      double elements = 1;
      for (std::int64_t extent : shape_of(each, id)) elements *= double(extent);
      all.bytes += elements * double(size_of(id.types[t++].type));
    }
  all.flops = 2 * products * seen_pairs(of, masks_drawn_by(of, id)) * double(id.dimension("d"));
  return all;
}

}  // namespace

const std::vector<attention_variant>& attention_variants() {
  static const std::vector<attention_variant> all = {
      {.name = "dense", .sees = "all keys"},
      {.name = "causal", .sees = "the first i + 1 + k - q keys", .causal = true},
      {.name = "window",
       .sees = "`left` keys before a query's own and `right` behind it",
       .window = true},
      {.name = "padding", .sees = "the first lengths[b] keys of each batch", .padding = true},
      {.name = "alibi",
       .sees = "the first i + 1 + k - q keys",
       .added = " - slope distance",
       .causal = true,
       .alibi = true},
      {.name = "bias",
       .sees = "all keys whose bias is not -infinity",
       .added = " + bias",
       .bias = true},
      {.name = "blocks", .sees = "the keys of its live blocks of 64", .blocks = true},
  };
  return all;
}

dtype attention_dtype(const std::string& tensor, dtype rows) {
  if (tensor == "lse" || tensor == "slopes") return dtype::fp32;
  return tensor == "lengths" || tensor == "live" ? dtype::int32 : rows;
}

contract attention_contract(const attention_variant& of, bool forward) {
  contract c;
  c.component = "attention";
  c.variant = of.name;
  c.direction = forward ? "fwd" : "bwd";
  c.takes_gaps = true;
  add_tensors(c, of, forward);
  add_parameters(c, of);
  c.policies = [outputs = c.outputs.size()] {
    return std::vector<comparison_policy>(outputs, {.zero_sign = false});
  };
  // The elements of a row share its weights.
  c.group = [forward](const case_id& id, std::size_t output) {
    const bool lse = forward && output == 1;
    return lse ? 1 : std::max<std::int64_t>(id.dimension("d"), 1);
  };
  if (!of.is_dense()) c.masked_share = [of](const case_inputs& in) { return masked_share(of, in); };
  c.cases = attention_cases(c);
  const std::vector<dtype>& first = c.signatures.front();
  // No gradient of the decoys' case is 0: under a window queries must be as many as keys, or keys
  // are out of all sight; under a causal mask fewer, or the first query sees one key, whatever that
  // is.
  const std::int64_t queries = of.window && !forward ? 37 : 6;
  c.decoy_case = attention_case(c, first, {2, queries, 37, 1, 2, 32, {"normal", {}}}, 1);
  c.timed_case = attention_case(c, first, {1, 256, 256, 1, 1, 64, {"normal", {}}}, 1);
  c.cost_of = [of, inputs = c.inputs, outputs = c.outputs, forward](const case_id& id) {
    contract part;
    part.inputs = inputs, part.outputs = outputs;
    return cost_of(part, of, forward ? 2 : 5, id);
  };
  return c;
}

}  // namespace assay::properties
