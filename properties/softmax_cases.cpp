#include "properties/softmax_cases.hpp"

#include "properties/ieee_math.hpp"
#include "properties/philox.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/softmax_variant.hpp"
#include "properties/values.hpp"
#include "reference/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace assay::properties {

case_id softmax_case(const contract& c, const std::vector<dtype>& types, const wanted_rows& wanted,
                     std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  if (c.dimensions.size() == 2) {
    id.shape = {{"rows", wanted.rows}, {"n", wanted.length}};
  } else {
    // Two matrices where the rows are even; more keys than queries, as many, or fewer, by the seed.
    const std::int64_t batch = wanted.rows % 2 == 0 && wanted.rows > 0 ? 2 : 1;
    id.shape = {{"batch", batch}, {"q", wanted.rows / batch}, {"k", wanted.length}};
  }
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.in_place) id.shape.push_back({"inplace", 1});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  for (const parameter_spec& each : c.parameters) id.shape.push_back({each.name, each.otherwise});
  return id;
}

std::vector<case_id> softmax_cases(const contract& c) {
  const std::vector<wanted_rows> all = {
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
      {3, 1025, {"wide", {}}},
      {2, 4096, {"normal", {}}},
      {2, 2050, {"constant", {{"value", -0.75}}}},
      {1, 8192, {"constant", {}}},
      {1, 8193, {"tails", {}}},
      {1, 20000, {"exact", {}}},
      {1, 70001, {"constant", {}}, 256, true},
      {6, 40, {"one_hot", {{"index", 5}, {"value", 100}}}},
      {12, 12, {"normal", {}}},
      {30, 7, {"normal", {}}},
      {3, 45, {"constant", {{"value", -60000}}}},
      {10, 40, {"normal", {}}, 256, false, 8},
      {7, 45, {"tails", {}}, 256, true, 3},
      {3, 1032, {"normal", {}}, 16, false, 24},
      {2, 8200, {"uniform", {{"low", -20}, {"high", 20}}}, 256, false, 8},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_rows& each : all) cases.push_back(softmax_case(c, types, each, seed++));
  return cases;
}

void make_added_mask(case_inputs& in) {
  constexpr std::uint32_t k_stream = 3000;
  std::uint64_t i = 0;
  for (double& m : in.values[k_added_mask]) {
    const std::uint32_t kind = element_stream(in.id.seed, k_stream, i++).below(4);
    if (kind == 0) m = -reference::k_infinity;
    if (kind == 1) m = 0;
  }
}

void make_softmax_results(bool logarithm, case_inputs& in) {
  if (in.id.distribution.name == "exact") return;
  constexpr double k_log2_e = 0x1.71547652b82fep+0;
  const score_rows rows = score_rows::of(in);
  const dtype type = in.id.types[0].type;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto row =
        std::span(in.values[0]).subspan(std::size_t(r * rows.length), std::size_t(rows.visible(r)));
    const reference::row_kind kind = reference::kind_of_row(std::span<const double>(row));
    const double most = row.empty() ? 0 : *std::max_element(row.begin(), row.end());
    double sum = 0;
    const auto exponential = [&](double x) {
      return x == -reference::k_infinity ? 0 : ieee_exp2(std::max((x - most) * k_log2_e, -1000.0));
    };
    if (kind == reference::row_kind::ordinary)
      for (double x : row) sum += exponential(x);
    for (double& x : row) {
      if (kind == reference::row_kind::undefined)
        x = reference::k_nan;
      else if (kind == reference::row_kind::masked)
        x = logarithm ? x : 0;
      else
        x = round_to(type, logarithm ? (x - most) - ieee_log(sum) : exponential(x) / sum);
    }
  }
}

}  // namespace assay::properties
