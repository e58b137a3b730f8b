// The claims of flash attention, counted, against formulas written down by hand: with T tokens, a
// head of d, tiles of 64 (flash_mma) or 32 (flash_simple) queries and keys.

#include "bench/attention_claims.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace assay::bench {
namespace {

simt::counters counted(const attention_call_of& what) {
  const counted_call made = count_call(what);
  // Nothing is touched but the tensors of the call and its scratch memory.
  EXPECT_TRUE(made.findings.empty()) << made.findings.front();
  return made.counted;
}

constexpr std::uint64_t k_row = 64 * 2, k_tile = 64 * k_row;  // bytes, bf16

// Each of n tiles of queries is read once, with so many tiles of keys and as many of values; its
// outputs and 64 log-sum-exps are written.
void expect_tiles(const simt::counters& flash, std::uint64_t n, std::uint64_t key_tiles) {
  EXPECT_EQ(flash.global_load_bytes, n * k_tile + 2 * key_tiles * k_tile);
  EXPECT_EQ(flash.global_store_bytes, n * (k_tile + 64 * 4));
  EXPECT_EQ(flash.tensor_core_flops, key_tiles * 2 * 2 * 64 * 64 * 64);
  EXPECT_EQ(flash.shared_bank_conflicts, 0u);
}

TEST(flash_attention_moves, every_tile_of_keys_for_every_tile_of_queries) {
  for (const std::uint64_t n : {4, 8, 16})
    expect_tiles(counted({"dense", "flash_mma", dtype::bf16, std::int64_t(64 * n)}), n, n * n);
}

TEST(flash_attention_moves, half_of_that_where_it_is_causal) {
  for (const std::uint64_t n : {4, 8, 16, 32})
    expect_tiles(counted({"causal", "flash_mma", dtype::bf16, std::int64_t(64 * n)}), n,
                 n * (n + 1) / 2);  // (n + 1) / 2n of n^2
}

// Queries [64 i, 64 i + 64) see keys from 64 i - (w - 1) on, or from the first.
TEST(flash_attention_moves, in_proportion_to_the_window) {
  const auto keys_of = [](std::uint64_t i, std::uint64_t w) {
    return 64 * (i + 1) - (64 * i > w - 1 ? 64 * i - (w - 1) : 0);
  };
  const auto expect_window = [&](std::uint64_t n, std::uint64_t w) {
    const simt::counters flash =
        counted({"window", "flash_mma", dtype::bf16, std::int64_t(64 * n), 64, std::int64_t(w)});
    std::uint64_t keys = 0, tiles = 0;
    for (std::uint64_t i = 0; i < n; ++i) keys += keys_of(i, w), tiles += std::min(i, w / 64) + 1;
    EXPECT_EQ(flash.global_load_bytes, n * k_tile + 2 * keys * k_row) << n << " " << w;
    EXPECT_EQ(flash.tensor_core_flops, tiles * 2 * 2 * 64 * 64 * 64) << n << " " << w;
    EXPECT_EQ(flash.global_store_bytes, n * (k_tile + 64 * 4));
  };
  for (const std::uint64_t n : {4, 8, 16, 32}) expect_window(n, 256);
  for (const std::uint64_t w : {64, 128, 512}) expect_window(16, w);
  EXPECT_EQ(keys_of(100, 256), 256u + 63);  // whatever T is
}

TEST(flash_simple_moves, tiles_of_32_in_fp32) {
  const std::uint64_t n = 8, tile = 32 * 64 * 4;
  const simt::counters flash = counted({"causal", "flash_simple", dtype::fp32, 256});
  EXPECT_EQ(flash.global_load_bytes, n * tile + n * (n + 1) / 2 * 2 * tile);
  EXPECT_EQ(flash.global_store_bytes, n * (tile + 32 * 4));
  EXPECT_EQ(flash.shared_bank_conflicts, 0u);
}

// A query and a key of d numbers for each pair that is seen, a weight and a number of V for each of
// those and each column; T^2 scores of four bytes are written twice and read three times.
TEST(naive_attention_moves, the_whole_matrix_of_scores_five_times) {
  struct size {
    std::uint64_t tokens, width;
  };
  for (const auto& [t, d] : {size{256, 64}, size{1024, 8}, size{2048, 1}}) {
    const simt::counters naive =
        counted({"causal", "naive", dtype::bf16, std::int64_t(t), std::int64_t(d)});
    const std::uint64_t pairs = t * (t + 1) / 2;
    EXPECT_EQ(naive.global_load_bytes, pairs * 2 * d * 2 + 3 * t * t * 4 + pairs * d * (4 + 2));
    EXPECT_EQ(naive.global_store_bytes, 2 * t * t * 4 + t * 4 + t * d * 2);
    EXPECT_EQ(naive.shared_wavefronts, 0u);
  }
}

TEST(flash_attention_stores, nothing_between_its_inputs_and_its_outputs) {
  for (std::int64_t t = 256; t <= 1 << 20; t *= 2) {
    const attention_call_of naive = {"causal", "naive", dtype::bf16, t},
                            flash = {"causal", "flash_mma", dtype::bf16, t},
                            simple = {"causal", "flash_simple", dtype::fp32, t},
                            sparse = {"window", "flash_mma", dtype::bf16, t, 64, 256};
    for (const attention_call_of& each : {flash, simple, sparse})
      EXPECT_EQ(scratch_bytes_of(each), 0);
    EXPECT_EQ(scratch_bytes_of(naive), 4 * double(t) * double(t));
    // q, k, v and o; of lse a number a token.
    for (const attention_call_of& each : {naive, flash, sparse})
      EXPECT_EQ(tensor_bytes_of(each), double(t) * (4 * 64 * 2 + 4));
  }
}

TEST(flash_attention_blocks, fit_twice_into_a_multiprocessor_and_load_without_conflicts) {
  for (const attention_block& each : attention_blocks()) {
    SCOPED_TRACE(each.kernel + " " + std::to_string(each.width));
    const auto w = std::size_t(each.width);
    EXPECT_EQ(each.threads, 128);
    // Q and two stages of K and V; or Q, K, V with rows one longer, and weights with rows of 36.
    EXPECT_EQ(each.shared_bytes, each.kernel == "flash_mma"
                                     ? 5 * 64 * w * 2
                                     : 3 * 32 * (w + 1) * 4 + std::size_t(32 * 36 * 4));
    EXPECT_LE(2 * (each.shared_bytes + 1024), k_sm_80_shared_bytes);
    EXPECT_GE(blocks_held(k_sm_80_shared_bytes, each), 2u);
    EXPECT_GE(blocks_held(k_sm_90_shared_bytes, each), 2u);
    const simt::counters made =
        counted({"causal", each.kernel, each.type, 2 * each.tile, each.width});
    EXPECT_GT(made.shared_wavefronts, 0u);
    EXPECT_EQ(made.shared_bank_conflicts, 0u);
  }
}

}  // namespace
}  // namespace assay::bench
