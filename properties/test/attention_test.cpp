// Attention: what its kernels move and store, counted; where heads may lie; which mistakes leave
// the bounds.

#include "optimized/math/accuracy.hpp"
#include "optimized/math/log1p.cuh"
#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

case_id attention_of(const std::string& variant, dtype type, std::int64_t queries,
                     std::int64_t keys, std::int64_t width, const fields& parameters = {}) {
  return attention_case_of("attention", variant, type, queries, keys, width, parameters);
}

// Causal, T queries and keys in n = T / 64 tiles: a block of tile i moves its queries, i + 1 tiles
// of keys and values, its outputs and 64 log-sum-exps. So n (n + 1) / 2 of n^2 tiles are touched,
// and no byte of memory beyond inputs and outputs.
TEST(flash_attention, moves_and_multiplies_half_of_a_causal_matrix_and_stores_none_of_it) {
  for (const std::int64_t length : {64, 256, 512}) {
    const case_id id = attention_of("causal", dtype::bf16, length, length, 64);
    const auto n = std::uint64_t(length / 64);
    const std::uint64_t tile = 64 * 64 * 2, tiles = n * (n + 1) / 2;
    const simt::counters flash = counted(id, "flash_mma");
    EXPECT_EQ(flash.global_load_bytes, n * tile + tiles * 2 * tile);
    EXPECT_EQ(flash.global_store_bytes, n * (tile + 64 * 4));
    EXPECT_EQ(flash.tensor_core_flops, tiles * 2 * 2 * 64 * 64 * 64);
    EXPECT_EQ(flash.shared_bank_conflicts, 0u);
    EXPECT_EQ(scratch_of(id, "flash_mma"), 0u);
    EXPECT_EQ(scratch_of(id, "naive"), std::size_t(length * length) * 4);
  }
}

TEST(flash_attention, of_a_window_works_in_proportion_to_it) {
  const fields window = {{"left", 63}, {"right", 0}};
  const auto flops = [&](std::int64_t length) {
    return counted(attention_of("window", dtype::bf16, length, length, 64, window), "flash_mma")
        .tensor_core_flops;
  };
  // Behind the first, every tile of queries meets two tiles of keys.
  for (const std::int64_t n : {2, 4, 8})
    EXPECT_EQ(flops(64 * n), std::uint64_t(2 * n - 1) * 2 * 2 * 64 * 64 * 64);
}

// Of every kernel, forward and backward, in more than one block and head.
TEST(attention, moves_the_bytes_of_its_formulas_under_every_mask) {
  for (const char* direction : {"fwd", "bwd"})
    for (const attention_variant& of : attention_variants())
      for (const std::int64_t width : {64, 96}) {
        fields parameters = {{"scale", 0}};
        if (of.window) parameters.insert(parameters.end(), {{"left", 70}, {"right", 3}});
        if (of.blocks) parameters.push_back({"causal", width == 64 ? 0.0 : 1.0});
        case_id id = attention_case_of("attention", of.name, dtype::bf16, 70, 130, width,
                                       parameters, direction);
        set(id, "group", std::int64_t(2));
        for (const implementation& by : contract_of(id).implementations) {
          if (by.declines && !by.declines(id).empty()) continue;
          const simt::counters moved = counted(id, by.name);
          EXPECT_EQ(double(moved.global_load_bytes + moved.global_store_bytes +
                           moved.global_atomic_bytes),
                    by.traffic(id))
              << print(id) << " by " << by.name;
        }
      }
}

// As many tiles are multiplied as blocks are live.
TEST(flash_attention, of_blocks_works_in_proportion_to_the_live_ones) {
  case_id id = attention_of("blocks", dtype::bf16, 256, 320, 64, {{"scale", 0}, {"causal", 0}});
  for (id.seed = 1; id.seed < 4; ++id.seed) {
    const std::vector<double> live = inputs_of(id).values[k_fourth];
    const auto blocks = std::uint64_t(std::count(live.begin(), live.end(), 1.0));
    EXPECT_TRUE(blocks > 0 && blocks < 20);
    EXPECT_EQ(counted(id, "flash_mma").tensor_core_flops, blocks * 2 * 2 * 64 * 64 * 64);
  }
}

TEST(flash_attention, has_no_bank_conflicts_in_any_width) {
  for (const std::int64_t width : {32, 64, 96, 128})
    EXPECT_EQ(counted(attention_of("dense", dtype::fp16, 64, 128, width), "flash_mma")
                  .shared_bank_conflicts,
              0u)
        << width;
  EXPECT_EQ(
      counted(attention_of("dense", dtype::fp32, 32, 64, 64), "flash_simple").shared_bank_conflicts,
      0u);
}

// Scores of -226: a kernel whose maximum began at 0, or was reset to it, has nothing but zeros to
// divide by.
TEST(attention, of_scores_far_below_zero_is_a_mean_like_any_other) {
  for (const dtype type : {dtype::fp32, dtype::bf16}) {
    const case_id id = attention_of("dense", type, 3, 70, 32, {{"scale", 0}});
    prepared_case prepared = prepare(id);
    std::fill(prepared.inputs.values[k_queries].begin(), prepared.inputs.values[k_queries].end(),
              1);
    std::fill(prepared.inputs.values[k_keys].begin(), prepared.inputs.values[k_keys].end(), -40);
    prepared.exact = prepared.of->exact(prepared.inputs);
    for (const implementation& by : prepared.of->implementations) {
      const run_report report = run({id, by.name, "emulator", 0}, prepared, {});
      if (report.result == outcome::unsupported) continue;
      EXPECT_EQ(report.result, outcome::passed) << by.name << ": " << report.reason;
      EXPECT_EQ(report.outputs[0].strict.judged, report.outputs[0].strict.elements);
    }
  }
}

// What fuzzing called a failure of a kernel that was right: a score far below the others with an
// error of its own, larger than theirs, must not be taken for one of the maximum.
TEST(attention, of_scores_far_below_with_large_errors_raises_no_alarm) {
  const run_id id = parse_run(
      "v1/attention.padding.fwd/q=bf16,k=bf16,v=bf16,lengths=int32,o=bf16,lse=fp32/"
      "batch=3,q=4,k=4,heads=12,group=1,d=32,align=16,scale=0/dist=wide,below=19/"
      "seed=1895854824@impl=flash_mma,on=emulator,sched=38120");
  const run_report report = run(id, prepare(id.of), {});
  EXPECT_EQ(report.result, outcome::passed) << report.reason;
  EXPECT_GT(report.outputs[0].strict.judged, report.outputs[0].strict.elements / 2);
}

struct attention_kernel {
  const char* name;
  dtype type;
};
class attention_power : public testing::TestWithParam<attention_kernel> {};

TEST_P(attention_power, catches_one_key_of_1024_dropped_or_counted_twice) {
  const case_id id = attention_of("dense", GetParam().type, 16, 1024, 32, {{"scale", 0}});
  EXPECT_TRUE(passes(id, GetParam().name, inputs_of(id)));
  EXPECT_FALSE(passes(id, GetParam().name, with_key_times(id, 500, 0)));
  EXPECT_FALSE(passes(id, GetParam().name, with_key_times(id, 500, 2)));
}

TEST_P(attention_power, catches_a_scale_that_is_off_by_a_fifth_of_a_percent) {
  const case_id id = attention_of("dense", GetParam().type, 16, 1024, 32, {{"scale", 0}});
  case_inputs wrong = inputs_of(id);
  set(wrong, "scale", round_to(dtype::fp32, 1.002 / std::sqrt(32.0)), 0);
  EXPECT_FALSE(passes(id, GetParam().name, wrong));
}

TEST_P(attention_power, catches_masks_that_are_off_by_one) {
  const case_id causal = attention_of("causal", GetParam().type, 70, 100, 32, {{"scale", 0}});
  for (const double right : {0.0, 1.0}) {
    case_inputs given = inputs_of(causal);
    given.id.variant = "window";
    given.id.shape.insert(given.id.shape.end(), {{"left", 0x1p24}, {"right", right}});
    given.parameters = {0, 0x1p24, right};
    EXPECT_EQ(passes(causal, GetParam().name, given), right == 0);
  }
  const case_id padded = attention_of("padding", GetParam().type, 6, 1000, 32, {{"scale", 0}});
  for (const double more : {0.0, 1.0}) {
    case_inputs given = inputs_of(padded);
    ASSERT_GT(given.values[k_fourth][0], 100);
    given.values[k_fourth][0] += more;
    EXPECT_EQ(passes(padded, GetParam().name, given), more == 0);
  }
}

TEST_P(attention_power, catches_biases_of_the_next_key) {
  const case_id id = attention_of("bias", GetParam().type, 16, 1000, 32, {{"scale", 0}});
  case_inputs given = inputs_of(id);
  EXPECT_TRUE(passes(id, GetParam().name, given));
  std::rotate(given.values[k_fourth].begin(), given.values[k_fourth].begin() + 1,
              given.values[k_fourth].end());
  EXPECT_FALSE(passes(id, GetParam().name, given));
}

TEST_P(attention_power, catches_slopes_that_are_off_by_a_percent) {
  const case_id id = attention_of("alibi", GetParam().type, 16, 1000, 32, {{"scale", 0}});
  case_inputs given = inputs_of(id);
  ASSERT_GT(given.values[k_fourth][0], 0);
  EXPECT_TRUE(passes(id, GetParam().name, given));
  given.values[k_fourth][0] = round_to(dtype::fp32, 1.01 * given.values[k_fourth][0]);
  EXPECT_FALSE(passes(id, GetParam().name, given));
}

TEST_P(attention_power, catches_a_live_block_taken_for_a_dead_one) {
  const case_id id =
      attention_of("blocks", GetParam().type, 16, 1000, 32, {{"scale", 0}, {"causal", 0}});
  case_inputs given = inputs_of(id);
  EXPECT_TRUE(passes(id, GetParam().name, given));
  double& live = given.values[k_fourth][7];
  live = 1 - live;
  EXPECT_FALSE(passes(id, GetParam().name, given));
}

INSTANTIATE_TEST_SUITE_P(of, attention_power,
                         testing::Values(attention_kernel{"naive", dtype::fp32},
                                         attention_kernel{"flash_simple", dtype::fp32},
                                         attention_kernel{"flash_mma", dtype::bf16},
                                         attention_kernel{"flash_mma", dtype::fp16}),
                         [](const auto& pair) {
                           return std::string(pair.param.name) + "_" +
                                  std::string(name_of(pair.param.type));
                         });

// Packed QKV, [batch, tokens, 3, heads, width]: each of the three by its strides, the same bits as
// three tensors of their own.
TEST(attention_call, takes_packed_queries_keys_and_values_by_their_strides) {
  case_id id = attention_of("causal", dtype::bf16, 70, 70, 64, {{"scale", 0}});
  set(id, "batch", std::int64_t(2));
  set(id, "heads", std::int64_t(2));
  const case_inputs in = inputs_of(id);
  const auto expected = outputs_of({id, "flash_mma", "emulator", 0}, in, {});
  optimized::call call;
  tensor_bytes qkv = packed(in, call);
  const std::int64_t elements = 2 * 70 * 2 * 64, rows = 2 * 70 * 2;
  tensor_bytes o(std::size_t(elements) * 2), lse(std::size_t(rows) * 4);
  call.tensors.push_back({o.data(), dtype::bf16, {2, 70, 2, 1, 64}});
  call.tensors.push_back({lse.data(), dtype::fp32, {2, 2, 1, 70}});
  call.parameters = {0};
  simt::backend& place = simt::plain_emulator();
  const auto stream = place.make_queue();
  optimized::find_launcher(simt::build::plain, "attention.causal.fwd", "flash_mma")
      ->launch(call, *stream);
  stream->synchronize();
  EXPECT_EQ(decoded(dtype::bf16, o), expected[0]);
  EXPECT_EQ(decoded(dtype::fp32, lse), expected[1]);
}

// log1p states its error for x >= 0. The sum of a row's weights lies a little below 1 where the
// largest score times the scale was rounded up: here for every number from 0.84 on (2^-0.25, what
// is promised of the scores keeps it above that).
TEST(attention_sums, have_logarithms_within_what_log1p_states) {
  for (float l = 0x1.ae89fap-1f; l < 1; l = std::nextafter(l, 2.0f)) {
    const double exact = std::log1p(double(l) - 1);
    const double error = std::abs(double(optimized::plain::math::log1p(l - 1.0f)) - exact);
    ASSERT_LE(error, optimized::k_log1p_ulps * reference::ulp(reference::k_fp32, std::abs(exact)))
        << l;
  }
}

}  // namespace
}  // namespace assay::properties
