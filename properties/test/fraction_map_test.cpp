// Where on a map the bound is used up: blocks, and a fault of one block of keys that shows in it.

#include "properties/fraction_map.hpp"

#include "properties/attention_shape.hpp"
#include "properties/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

TEST(map_block, is_a_power_of_two_and_of_such_there_are_so_many_at_most) {
  EXPECT_EQ(map_block(0, 32), 1);
  EXPECT_EQ(map_block(32, 32), 1);
  EXPECT_EQ(map_block(33, 32), 2);
  EXPECT_EQ(map_block(64, 32), 2);
  EXPECT_EQ(map_block(65, 32), 4);
  EXPECT_EQ(map_block(1024, 32), 32);
  EXPECT_EQ(map_block(1025, 8), 256);
}

TEST(fraction_map, keeps_the_worst_of_each_block_and_leaves_out_what_is_not_judged) {
  case_inputs in;
  in.id.shape = {{"t", 64}, {"s", 3}};
  const element_map map = {
      "t", "s", [](const mapped_run&, std::size_t) {
        return std::vector<map_place>{{0, 2}, {1, 2}, {2, 2}, {63, 0}, {5, -1}};
      }};
  const std::vector<double> fractions = {0.25, 0.5, 0.125, std::nan(""), HUGE_VAL};
  const fraction_map made = map_fractions(map, in, {}, {}, 0, fractions);
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
  EXPECT_THROW(map_fractions(map, in, {}, {}, 0, std::vector<double>(4)), std::logic_error);
}

case_id attention_of(const std::string& variant, std::int64_t queries, std::int64_t keys,
                     double scale = 1) {
  case_id id{"attention", variant, "fwd", {}, {}, {"normal", {{"scale", scale}}}, 5};
  for (const char* tensor : {"q", "k", "v", "o", "lse"}) id.types.push_back({tensor, dtype::fp32});
  id.shape = {{"batch", 1}, {"q", queries}, {"k", keys}, {"heads", 2},
              {"group", 1}, {"d", 32},      {"scale", 0}};
  return id;
}

// What came out, judged as the kernel's.
std::vector<output_verdict> judged_with_map(const prepared_case& prepared,
                                            const std::vector<std::vector<double>>& got) {
  return judge(prepared, *prepared.of->find("flash_simple"), got, {.scatter = false, .map = true});
}
std::vector<std::vector<double>> outputs_on(const case_inputs& given) {
  return outputs_of({given.id, "flash_simple", "emulator", 0}, given, {});
}

// The map is of the verdict's own fractions, and of all that was judged.
TEST(fraction_map, has_the_verdicts_worst_and_all_of_its_elements) {
  const prepared_case prepared = prepare(attention_of("causal", 70, 50));
  for (const output_verdict& v : judged_with_map(prepared, outputs_on(prepared.inputs))) {
    ASSERT_TRUE(v.map.has_value());
    double worst = 0;
    std::int64_t elements = 0;
    for (const fraction_cell& each : v.map->cells) {
      worst = std::max(worst, each.worst_fraction);
      elements += each.elements;
      // The first 20 queries of a causal mask see no key of 50; a key behind its query is not seen.
      EXPECT_EQ(each.column < 0, each.row * v.map->row_block < 20);
      if (each.column >= 0) {
        EXPECT_LE(each.column * v.map->column_block,
                  (each.row + 1) * v.map->row_block - 1 + 50 - 70);
      }
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

constexpr std::int64_t k_tile = 32, k_tiles = 8;  // tiles of flash_simple, a block of the map each

// Tile `tile` of keys or values, all heads.
auto tile_of(std::vector<double>& tensor, std::int64_t tile) {
  constexpr std::int64_t k_elements = k_tile * 2 * 32;
  return tensor.begin() + tile * k_elements;
}

// A kernel that leaves a tile of keys out, whose scores are flat: every row is off by what that
// tile's part was, and stands there, its lse as well.
TEST(fraction_map, of_a_kernel_that_leaves_a_tile_of_keys_out_lights_up_there_alone) {
  const prepared_case prepared = prepare(attention_of("dense", 40, k_tiles * k_tile));
  for (const std::int64_t left_out : {std::int64_t(0), std::int64_t(3), k_tiles - 1}) {
    case_inputs given = prepared.inputs;
    for (const std::size_t t : {k_keys, k_values})
      given.values[t].erase(tile_of(given.values[t], left_out),
                            tile_of(given.values[t], left_out + 1));
    for (field& each : given.id.shape)
      if (each.key == "k") each.value = (k_tiles - 1) * k_tile;
    for (const output_verdict& v : judged_with_map(prepared, outputs_on(given))) {
      EXPECT_FALSE(v.strict.passed());
      EXPECT_EQ(v.map->column_block, k_tile);
      for (const fraction_cell& each : v.map->cells) {
        EXPECT_EQ(each.column, left_out) << "row " << each.row;
        EXPECT_GT(each.worst_fraction, 1);
      }
    }
  }
}

// A kernel that takes one tile's values for those of the next: the error is that of two parts. Most
// rows stand in the one that is missing, and so does the largest fraction, whatever the scores are.
TEST(fraction_map, of_a_kernel_that_takes_wrong_values_in_a_tile_lights_up_there) {
  for (const double scale : {1.0, 3.0})
    for (const std::int64_t wrong : {std::int64_t(0), std::int64_t(5)}) {
      const prepared_case prepared = prepare(attention_of("dense", 40, k_tiles * k_tile, scale));
      case_inputs given = prepared.inputs;
      std::vector<double>& values = given.values[k_values];
      std::copy(tile_of(values, wrong + 1), tile_of(values, wrong + 2), tile_of(values, wrong));
      const std::vector<output_verdict> verdicts = judged_with_map(prepared, outputs_on(given));
      EXPECT_FALSE(verdicts[0].strict.passed());
      double here = 0, elsewhere = 0;
      std::int64_t rows_here = 0, rows_elsewhere = 0;
      for (const fraction_cell& each : verdicts[0].map->cells) {
        const bool is_here = each.column == wrong;
        double& worst = is_here ? here : elsewhere;
        worst = std::max(worst, each.worst_fraction);
        (is_here ? rows_here : rows_elsewhere) += each.elements;
      }
      EXPECT_GT(here, elsewhere) << scale << " " << wrong;
      EXPECT_GT(rows_here, rows_elsewhere) << scale << " " << wrong;
      EXPECT_TRUE(verdicts[1].strict.passed());  // lse knows nothing of values
      for (const fraction_cell& each : verdicts[1].map->cells) EXPECT_LE(each.worst_fraction, 1);
    }
}

// Without an error a row stands where its weight is; so it does with one of roundings, which keys
// of no weight to speak of cannot explain.
TEST(fraction_map, of_a_good_kernel_stands_where_the_weight_is) {
  prepared_case prepared = prepare(attention_of("dense", 3, k_tiles * k_tile));
  std::vector<double>&queries = prepared.inputs.values[k_queries],
  &keys = prepared.inputs.values[k_keys];
  std::fill(queries.begin(), queries.end(), 1);
  std::fill(keys.begin(), keys.end(), 0);
  std::fill(tile_of(keys, 6), tile_of(keys, 7), 8);  // e^45 times the others' weights
  prepared.exact = prepared.of->exact(prepared.inputs);
  const std::vector<double>& lse = prepared.exact[1].value;
  for (const auto& o : {prepared.exact[0].value, outputs_on(prepared.inputs)[0]})
    for (const output_verdict& v : judged_with_map(prepared, {o, lse})) {
      ASSERT_EQ(v.map->cells.size(), 3u);
      for (const fraction_cell& each : v.map->cells) EXPECT_EQ(each.column, 6);
    }
}

}  // namespace
}  // namespace assay::properties
