// A causal mask in memory: what it moves, in place and elsewhere, by hand; and that nothing but
// -infinity passes for what is hidden.

#include "properties/contract.hpp"
#include "properties/harness.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace assay::properties {
namespace {

case_id case_of(dtype type, std::int64_t queries, std::int64_t keys, bool in_place) {
  return {"causal_mask",
          "fill",
          "fwd",
          {{"x", type}, {"y", type}},
          {{"batch", 3}, {"q", queries}, {"k", keys}, {"inplace", in_place ? 1 : 0}},
          {"normal", {}},
          1};
}

simt::counters counted(const case_id& id, const std::string& implementation) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  const run_report report = run({id, implementation, "emulator", 0}, prepare(id), settings);
  EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
  return report.counted;
}

struct size {
  std::int64_t queries, keys;
  std::uint64_t hidden;  // of a matrix
};
const size k_sizes[] = {{1, 1, 0}, {16, 16, 120}, {33, 33, 528}, {4, 50, 6}, {50, 4, 190}};

TEST(causal_mask_moves, in_place_what_is_hidden_and_nothing_else) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16})
    for (const size& each : k_sizes) {
      const case_id id = case_of(type, each.queries, each.keys, true);
      const simt::counters words = counted(id, "words"), elements = counted(id, "elements");
      const std::uint64_t all = 3 * std::uint64_t(each.queries * each.keys), e = size_of(type);
      EXPECT_EQ(words.global_load_bytes, 0u);
      EXPECT_EQ(words.global_store_bytes, 3 * each.hidden * e);
      EXPECT_EQ(elements.global_load_bytes, (all - 3 * each.hidden) * e);
      EXPECT_EQ(elements.global_store_bytes, all * e);
      EXPECT_EQ(contract_of(id).cost_of(id).bytes, double(words.global_store_bytes));
    }
}

TEST(causal_mask_moves, elsewhere_what_is_visible_and_writes_everything) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16})
    for (const size& each : k_sizes)
      for (const char* name : {"words", "elements"}) {
        const simt::counters made = counted(case_of(type, each.queries, each.keys, false), name);
        const std::uint64_t all = 3 * std::uint64_t(each.queries * each.keys), e = size_of(type);
        EXPECT_EQ(made.global_load_bytes, (all - 3 * each.hidden) * e) << name;
        EXPECT_EQ(made.global_store_bytes, all * e) << name;
      }
}

// 16 bytes a thread, where rows are made of such: 256 rows of 256 elements.
TEST(causal_mask_moves, words_of_16_bytes) {
  for (const dtype type : {dtype::fp32, dtype::bf16}) {
    case_id id = case_of(type, 256, 256, false);
    id.shape.front().value = 1;
    EXPECT_EQ(counted(id, "words").global_stores, 256 * 256 * size_of(type) / (16 * 32));
    EXPECT_EQ(counted(id, "elements").global_stores, 256u * 256 / 32);
  }
}

// What implementations elsewhere put in its place, and the largest numbers there are.
TEST(causal_mask, takes_no_large_number_for_infinity) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    const prepared_case prepared = prepare(case_of(type, 9, 9, false));
    const double largest = reference::max_finite(format_of(type));
    for (const implementation& by : prepared.of->implementations)
      for (const double instead : {-1e4, -5e4, -1e9, -largest, reference::k_infinity}) {
        std::vector<double> y = prepared.exact[0].value;
        const auto refused = [&] { return judge(prepared, by, {y})[0].strict.failed; };
        EXPECT_EQ(refused(), 0) << by.name;
        for (double& each : y)
          if (each == -reference::k_infinity) each = round_to(type, std::max(instead, -largest));
        EXPECT_EQ(refused(), 3 * 36) << by.name << " " << instead;
      }
  }
}

}  // namespace
}  // namespace assay::properties
