#include "properties/layer_norm_cases.hpp"

#include "properties/layer_norm_rows.hpp"

#include <algorithm>

namespace assay::properties {

case_id layer_norm_case(const contract& c, const std::vector<dtype>& types,
                        const wanted_normalized_rows& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"rows", wanted.rows}, {"c", wanted.length}};
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.in_place) id.shape.push_back({"inplace", 1});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  for (const parameter_spec& each : c.parameters) id.shape.push_back({each.name, wanted.eps});
  return id;
}

std::vector<case_id> layer_norm_cases(const contract& c) {
  const distribution_id hundred = {"normal", {{"mean", 100}}},
                        far = {"normal", {{"mean", 1e18}, {"scale", 1e12}}},
                        thousands = {"uniform", {{"low", 2000}, {"high", 2004}}},
                        tiny = {"tails", {{"low", 0x1p-148}, {"high", 0x1p-127}}},
                        huge = {"constant", {{"value", 1e30}}};
  const std::vector<wanted_normalized_rows> all = {
      {0, 7, {"normal", {}}},
      {3, 0, {"normal", {}}},
      {5, 1, {"normal", {}}},
      {4, 2, {"special", {}}, 1},
      {64, 3, {"special", {}}},
      {17, 33, {"tails", {}}, 1},
      {8, 32, {"normal", {}}, 256, true},
      {9, 257, {"normal", {{"scale", 10}}}, 8},
      {4, 1024, {"normal", {}}},
      {3, 1000, {"uniform", {{"low", -20}, {"high", 20}}}, 1, true},
      {3, 1025, {"wide", {{"below", 40}}}},
      {6, 768, hundred},
      {2, 4096, {"ill_conditioned", {}}},
      {3, 45, far},
      {4, 1023, thousands},
      {5, 100, tiny},
      {2, 2050, {"constant", {{"value", -0.75}}}},
      {3, 77, {"constant", {{"value", 0.1}}}, 256, false, 0, 0},
      {2, 1001, huge, 256, false, 0, 0},
      {2, 99, huge},
      {1, 8193, {"ill_conditioned", {{"cond", 100}}}},
      {1, 20000, {"exact", {}}},
      {6, 40, {"one_hot", {{"index", 5}, {"value", 100}}}},
      {12, 12, {"normal", {}}, 256, false, 0, 0},
      {300, 7, {"normal", {}}},
      {10, 40, {"normal", {}}, 256, false, 8},
      {7, 45, {"tails", {}}, 256, true, 3},
      {3, 1032, {"exact", {}}, 16, false, 24},
      {40, 128, {"exact", {}}},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_normalized_rows& each : all)
      cases.push_back(layer_norm_case(c, types, each, seed++));
  return cases;
}

void make_statistics(case_inputs& in) {
  if (in.id.distribution.name == "exact") return;
  const matrix_shape shape = matrix_shape::of(in.id);
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    const auto own = reference::statistics_of_row(shape.row(in.values[1], r), 0x1.4f8b58p-17);
    in.values[3][std::size_t(r)] = round_to(dtype::fp32, own.mean);
    in.values[4][std::size_t(r)] = round_to(dtype::fp32, own.rstd);
  }
}

}  // namespace assay::properties
