// Where on a map the bound is used up: blocks, and a fault of one block of keys that shows in it.

#include "properties/fraction_map.hpp"

#include "properties/attention_shape.hpp"
#include "properties/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

TEST(map_block, makes_32_blocks_at_most) {
  EXPECT_EQ(map_block(0), 1);
  EXPECT_EQ(map_block(32), 1);
  EXPECT_EQ(map_block(33), 2);
  EXPECT_EQ(map_block(64), 2);
  EXPECT_EQ(map_block(65), 4);
  EXPECT_EQ(map_block(1024), 32);
  EXPECT_EQ(map_block(1025), 64);
}

TEST(fraction_map, keeps_the_worst_of_each_block_and_leaves_out_what_is_not_judged) {
  case_inputs in;
  in.id.shape = {{"t", 64}, {"s", 3}};
  const element_map map = {
      "t", "s", [](const case_inputs&, std::size_t) {
        return std::vector<map_place>{{0, 2}, {1, 2}, {2, 2}, {63, 0}, {5, -1}};
      }};
  const std::vector<double> fractions = {0.25, 0.5, 0.125, std::nan(""), HUGE_VAL};
  const fraction_map made = map_fractions(map, in, 0, fractions);
  EXPECT_EQ(made.row_block, 2);
  EXPECT_EQ(made.column_block, 1);
  ASSERT_EQ(made.cells.size(), 3u);
  const auto expect = [&](std::size_t i, std::int64_t row, std::int64_t column, double worst,
                          std::int64_t elements) {
    EXPECT_EQ(made.cells[i].row, row);
    EXPECT_EQ(made.cells[i].column, column);
    EXPECT_EQ(made.cells[i].worst_fraction, worst);
    EXPECT_EQ(made.cells[i].elements, elements);
  };
  expect(0, 0, 2, 0.5, 2);
  expect(1, 1, 2, 0.125, 1);
  expect(2, 2, -1, HUGE_VAL, 1);
  EXPECT_THROW(map_fractions(map, in, 0, std::vector<double>(4)), std::logic_error);
}

case_id attention_of(const std::string& variant, std::int64_t queries, std::int64_t keys) {
  return {"attention",
          variant,
          "fwd",
          {{"q", dtype::fp32},
           {"k", dtype::fp32},
           {"v", dtype::fp32},
           {"o", dtype::fp32},
           {"lse", dtype::fp32}},
          {{"batch", 1},
           {"q", queries},
           {"k", keys},
           {"heads", 2},
           {"group", 1},
           {"d", 32},
           {"scale", 0}},
          {"normal", {{"scale", 3}}},
          5};
}

std::vector<output_verdict> judged_with_map(const prepared_case& prepared,
                                            const case_inputs& given) {
  const auto got = outputs_of({given.id, "flash_simple", "emulator", 0}, given, {});
  return judge(prepared, *prepared.of->find("flash_simple"), got, {.scatter = false, .map = true});
}

// The map is of the verdict's own fractions, and of all that was judged.
TEST(fraction_map, has_the_verdicts_worst_and_all_of_its_elements) {
  const prepared_case prepared = prepare(attention_of("causal", 70, 50));
  for (const output_verdict& v : judged_with_map(prepared, prepared.inputs)) {
    ASSERT_TRUE(v.map.has_value());
    double worst = 0;
    std::int64_t elements = 0;
    for (const fraction_cell& each : v.map->cells) {
      worst = std::max(worst, each.worst_fraction);
      elements += each.elements;
      // The first 20 queries of a causal mask see no key of 50; a key behind its query is not seen.
      EXPECT_EQ(each.column < 0, each.row * v.map->row_block < 20);
      if (each.column >= 0)
        EXPECT_LE(each.column * v.map->column_block,
                  (each.row + 1) * v.map->row_block - 1 + 50 - 70);
    }
    EXPECT_EQ(worst, v.strict.worst_fraction);
    EXPECT_EQ(elements, v.strict.judged);
  }
}

TEST(fraction_map, is_made_only_where_it_is_asked_for) {
  const prepared_case prepared = prepare(attention_of("dense", 4, 4));
  const auto got = outputs_of({prepared.inputs.id, "naive", "emulator", 0}, prepared.inputs, {});
  for (const output_verdict& v : judge(prepared, *prepared.of->find("naive"), got))
    EXPECT_FALSE(v.map.has_value());
}

// A kernel that takes the values of one tile of 32 keys for the next tile's. Scores are of all
// keys as they should be, so that a query stands where its weight is; in every block of queries the
// largest fraction is that of the tile.
TEST(fraction_map, of_a_kernel_that_is_wrong_in_one_tile_of_keys_lights_up_there) {
  constexpr std::int64_t k_tile = 32;
  const prepared_case prepared = prepare(attention_of("dense", 64, 4 * k_tile));
  for (const std::int64_t wrong : {0, 1, 3}) {
    case_inputs given = prepared.inputs;
    std::vector<double>& values = given.values[k_values];
    const std::int64_t tile = k_tile * 2 * 32;  // elements: two heads of 32
    for (std::int64_t i = 0; i < tile; ++i)
      values[std::size_t(wrong * tile + i)] =
          prepared.inputs.values[k_values][std::size_t((wrong + 1) % 4 * tile + i)];
    const std::vector<output_verdict> verdicts = judged_with_map(prepared, given);
    EXPECT_FALSE(verdicts[0].strict.passed());
    const fraction_map& map = *verdicts[0].map;
    const auto hottest = std::max_element(
        map.cells.begin(), map.cells.end(),
        [](const auto& a, const auto& b) { return a.worst_fraction < b.worst_fraction; });
    EXPECT_EQ(hottest->column * map.column_block / k_tile, wrong);
    // In every block of queries that has one there: the block's largest.
    for (std::int64_t row = 0; row < 64 / map.row_block; ++row) {
      double here = 0, elsewhere = 0;
      for (const fraction_cell& each : map.cells) {
        if (each.row != row) continue;
        double& side = each.column * map.column_block / k_tile == wrong ? here : elsewhere;
        side = std::max(side, each.worst_fraction);
      }
      if (here > 0) EXPECT_GT(here, elsewhere) << "row " << row;
    }
    EXPECT_TRUE(verdicts[1].strict.passed());  // lse knows nothing of values
    for (const fraction_cell& each : verdicts[1].map->cells) EXPECT_LE(each.worst_fraction, 1);
  }
}

}  // namespace
}  // namespace assay::properties
