// Linear attention: that its work grows with the length and not with its square, counted; where
// heads may lie; which mistakes leave the bounds.

#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

case_id linear_of(const std::string& variant, dtype type, std::int64_t queries, std::int64_t keys,
                  std::int64_t width) {
  return attention_case_of("linear_attention", variant, type, queries, keys, width);
}

// Every tensor once and no scratch memory; with each tile of 32 more tokens the same accesses of
// shared memory and the same barriers again. (The first tile is counted apart: it finds no state.)
TEST(linear_attention, by_a_state_moves_and_works_in_proportion_to_the_length) {
  for (const char* variant : {"dense", "causal"}) {
    const auto of = [&](std::int64_t tiles) {
      const case_id id = linear_of(variant, dtype::bf16, 32 * tiles, 32 * tiles, 64);
      EXPECT_EQ(scratch_of(id, "chunked"), 0u);
      return counted(id, "chunked");
    };
    const simt::counters one = of(1), two = of(2), eight = of(8);
    const std::uint64_t tensor = 32 * 64 * 2;
    EXPECT_EQ(eight.global_load_bytes, 8 * 3 * tensor);
    EXPECT_EQ(eight.global_store_bytes, 8 * tensor);
    EXPECT_EQ(eight.shared_accesses - one.shared_accesses,
              7 * (two.shared_accesses - one.shared_accesses));
    EXPECT_EQ(eight.barriers - one.barriers, 7 * (two.barriers - one.barriers));
    EXPECT_EQ(eight.shared_bank_conflicts, 0u);
  }
}

// Accesses of shared memory by warps, for each tile of 32 keys and queries without a mask, heads of
// 32 C. Three tiles are stored: 3 * 32 C. Each of 32 C rows of the state takes 32 keys: C loads and
// C stores, and for each key that and C values; the sums, C times a load, 32 keys, a store. Each of
// 8 warps asks 32 C rows of the state for its four queries, C + 4, and the sums, 4 C times 2.
TEST(linear_attention, by_a_state_works_in_proportion_to_the_square_of_the_width) {
  for (const std::int64_t columns : {1, 2, 3, 4}) {
    const auto of = [&](std::int64_t tiles) {
      const case_id id = linear_of("dense", dtype::fp32, 32 * tiles, 32 * tiles, 32 * columns);
      return counted(id, "chunked").shared_accesses;
    };
    const auto c = std::uint64_t(columns);
    EXPECT_EQ(of(3) - of(2), 3 * 32 * c + 32 * c * (2 * c + 32 * (1 + c)) + c * 34 +
                                 8 * (32 * c * (c + 4) + 4 * c * 2));
  }
}

TEST(linear_attention, by_all_pairs_grows_with_the_square_of_the_length) {
  for (const std::int64_t length : {32, 64, 128}) {
    const simt::counters all =
        counted(linear_of("causal", dtype::fp32, length, length, 32), "quadratic");
    const auto pairs = std::uint64_t(length * (length + 1) / 2);
    EXPECT_EQ(all.global_load_bytes, pairs * (2 * 32 * 4 + 32 * (4 + 4)));
    EXPECT_EQ(all.global_store_bytes, pairs * 4 + std::uint64_t(length) * 32 * 4);
  }
}

TEST(linear_attention, has_no_bank_conflicts_in_any_width_of_whole_warps) {
  for (const std::int64_t width : {32, 64, 96, 128})
    EXPECT_EQ(
        counted(linear_of("causal", dtype::fp16, 40, 64, width), "chunked").shared_bank_conflicts,
        0u)
        << width;
}

struct linear_kernel {
  const char* name;
  dtype type;
};
class linear_attention_power : public testing::TestWithParam<linear_kernel> {};

TEST_P(linear_attention_power, catches_one_key_of_1024_dropped_or_counted_twice) {
  const case_id id = linear_of("dense", GetParam().type, 16, 1024, 32);
  EXPECT_TRUE(passes(id, GetParam().name, inputs_of(id)));
  EXPECT_FALSE(passes(id, GetParam().name, with_key_times(id, 500, 0)));
  EXPECT_FALSE(passes(id, GetParam().name, with_key_times(id, 500, 2)));
}

// With its last key twice, or not at all, every query sees one key more, or one less.
TEST_P(linear_attention_power, catches_masks_that_are_off_by_one) {
  const case_id id = linear_of("causal", GetParam().type, 70, 100, 32);
  for (const int times : {0, 1, 2})
    EXPECT_EQ(passes(id, GetParam().name, with_key_times(id, 99, times)), times == 1) << times;
}

INSTANTIATE_TEST_SUITE_P(
    of, linear_attention_power,
    testing::Values(linear_kernel{"quadratic", dtype::fp32}, linear_kernel{"chunked", dtype::fp32},
                    linear_kernel{"quadratic", dtype::bf16}, linear_kernel{"chunked", dtype::bf16},
                    linear_kernel{"chunked", dtype::fp16}),
    [](const auto& pair) {
      return std::string(pair.param.name) + "_" + std::string(name_of(pair.param.type));
    });

// Each of the three by its strides, the same bits as three tensors of their own.
TEST(linear_attention_call, takes_packed_queries_keys_and_values_by_their_strides) {
  case_id id = linear_of("causal", dtype::bf16, 70, 70, 64);
  set(id, "batch", std::int64_t(2));
  set(id, "heads", std::int64_t(2));
  const case_inputs in = inputs_of(id);
  optimized::call call;
  tensor_bytes qkv = packed(in, call);
  tensor_bytes o(in.values[k_queries].size() * 2);
  call.tensors.push_back({o.data(), dtype::bf16, {2, 70, 2, 1, 64}});
  simt::backend& place = simt::plain_emulator();
  const auto stream = place.make_queue();
  optimized::find_launcher(simt::build::plain, "linear_attention.causal.fwd", "chunked")
      ->launch(call, *stream);
  stream->synchronize();
  EXPECT_EQ(decoded(dtype::bf16, o), outputs_of({id, "chunked", "emulator", 0}, in, {})[0]);
}

}  // namespace
}  // namespace assay::properties
