#include "properties/rope_cases.hpp"

#include <algorithm>

namespace assay::properties {

case_id rope_case(const contract& c, const std::vector<dtype>& types, const wanted_rotation& wanted,
                  std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  id.types = {{c.inputs[0].name, types[0]}, {c.outputs[0].name, types[1]}};
  id.shape = {{"batch", wanted.batch}, {"t", wanted.t}, {"heads", wanted.heads}, {"d", wanted.d}};
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.in_place) id.shape.push_back({"inplace", 1});
  id.shape.push_back({"offset", wanted.offset});
  id.shape.push_back({"base", wanted.base});
  if (c.parameters.size() > 2) id.shape.push_back({"scale", wanted.scale});
  return id;
}

std::vector<case_id> rope_cases(const contract& c) {
  const distribution_id normal{"normal", {}}, special{"special", {}};
  const std::vector<wanted_rotation> all = {
      {.batch = 0, .t = 3, .heads = 2, .d = 8},
      {.batch = 2, .t = 3, .heads = 2, .d = 0},
      {.batch = 2, .t = 8, .heads = 1, .d = 2},
      {.batch = 1, .t = 64, .heads = 4, .d = 32},
      {.batch = 2, .t = 3, .heads = 3, .d = 128},
      {.batch = 1, .t = 7, .heads = 5, .d = 80, .align = 1},
      {.batch = 3, .t = 4, .heads = 2, .d = 6, .in_place = true},
      {.batch = 1, .t = 40, .heads = 8, .d = 64, .from = special},
      {.batch = 2, .t = 5, .heads = 3, .d = 24, .from = {"wide", {}}, .in_place = true},
      {.batch = 1, .t = 16, .heads = 2, .d = 64, .from = {"exact", {}}},
      {.batch = 1, .t = 9, .heads = 1, .d = 2050},
      {.batch = 1, .t = 32, .heads = 2, .d = 64, .offset = 1000},
      {.batch = 1, .t = 32, .heads = 2, .d = 128, .offset = 0x1p20},
      {.batch = 1, .t = 16, .heads = 4, .d = 64, .from = {"tails", {}}, .offset = 0x1p24},
      {.batch = 1, .t = 16, .heads = 2, .d = 128, .offset = 131071, .base = 500000, .scale = 1.7},
      {.batch = 1, .t = 9, .heads = 2, .d = 16, .from = special, .offset = 65535, .base = 1},
      {.batch = 1, .t = 16, .heads = 2, .d = 32, .offset = 99999, .base = 0x1p32, .scale = 0x1p16},
      {.batch = 1, .t = 12, .heads = 2, .d = 32, .base = 10000, .scale = 1},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_rotation& each : all) cases.push_back(rope_case(c, types, each, seed++));
  return cases;
}

}  // namespace assay::properties
