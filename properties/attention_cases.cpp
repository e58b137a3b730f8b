#include "properties/attention_cases.hpp"

#include <algorithm>

namespace assay::properties {

case_id attention_case(const contract& c, const std::vector<dtype>& types,
                       const wanted_attention& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"batch", wanted.batch}, {"q", wanted.queries},   {"k", wanted.keys},
              {"heads", wanted.heads}, {"group", wanted.group}, {"d", wanted.width}};
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  for (const parameter_spec& each : c.parameters)
    id.shape.push_back({each.name, each.name == "scale"    ? wanted.scale
                                   : each.name == "causal" ? double(wanted.causal)
                                                           : each.otherwise});
  return id;
}

std::vector<case_id> attention_cases(const contract& c, const std::vector<wanted_attention>& wanted,
                                     std::uint64_t seed) {
  std::vector<case_id> cases;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_attention& each : wanted)
      cases.push_back(attention_case(c, types, each, seed++));
  return cases;
}

std::vector<case_id> attention_cases(const contract& c) {
  std::vector<wanted_attention> all = {
      {0, 3, 3, 1, 1, 32, {"normal", {}}},
      {1, 0, 4, 2, 1, 32, {"normal", {}}},
      {2, 3, 0, 1, 1, 32, {"normal", {}}},
      {1, 1, 1, 1, 1, 32, {"normal", {}}},
      {2, 5, 7, 1, 2, 8, {"normal", {}}},
      {2, 9, 9, 2, 1, 32, {"normal", {}}},
      {2, 3, 2, 1, 1, 32, {"special", {}}},
      {1, 33, 17, 1, 1, 64, {"tails", {}}, 16},
      {1, 65, 130, 1, 1, 64, {"normal", {}}},
      {1, 40, 97, 1, 1, 96, {"normal", {{"scale", 3}}}},
      {1, 12, 64, 1, 1, 128, {"uniform", {{"low", -2}, {"high", 2}}}},
      {1, 3, 200, 1, 2, 32, {"normal", {}}, 256, 0, 4},
      {1, 6, 70, 1, 1, 32, {"wide", {}}},
      {1, 10, 24, 1, 1, 32, {"exact", {}}},
      {2, 20, 20, 1, 1, 32, {"constant", {{"value", -0.75}}}},
      {2, 7, 21, 2, 2, 32, {"normal", {}}, 256, 8},
      {1, 6, 11, 2, 1, 20, {"normal", {}}, 1, 3},
  };
  // Blocks of more than one live or dead neighbour.
  if (c.variant == "blocks") {
    all.push_back({1, 130, 200, 1, 1, 64, {"normal", {}}});
    all.push_back({.batch = 2,
                   .queries = 150,
                   .keys = 150,
                   .heads = 1,
                   .group = 2,
                   .width = 32,
                   .from = {"normal", {}},
                   .causal = true});
  }
  return attention_cases(c, all);
}

}  // namespace assay::properties
