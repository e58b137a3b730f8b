// The launchers of multi-head attention as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 2 batches of 5 tokens, 64 channels in 2 heads.
call right_call(dtype type) {
  const auto of = [&](const std::vector<std::int64_t>& shape) {
    return tensor{reinterpret_cast<void*>(0x10000), type, shape};
  };
  call what;
  what.tensors = {of({2, 5, 64}), of({64, 192}), of({192}), of({64, 64}), of({64}), of({2, 5, 64})};
  what.parameters = {2};
  what.workspace = reinterpret_cast<void*>(0x20000);
  what.workspace_bytes = std::size_t(1) << 20;
  return what;
}

std::string refused(const char* function, const char* implementation, const call& what) {
  return refusal(*find_launcher(simt::build::plain, function, implementation), what);
}

const std::vector<mistake> k_mistakes = {
    {"5 tensors; expected 6", [](call& c) { c.tensors.pop_back(); }},
    {"0 parameters; expected 1", [](call& c) { c.parameters.clear(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 0 is of rank 2; expected 3",
     [](call& c) {
       c.tensors[0].shape = {10, 64};
     }},
    {"tensor 0 has an extent of -1; expected 0 to 2^31 - 1",
     [](call& c) { c.tensors[0].shape[1] = -1; }},
    {"64 channels for 3 heads; expected channels that the heads divide evenly",
     [](call& c) { c.parameters = {3}; }},
    {"heads 0.000000; expected a whole number from 1 to 16777216",
     [](call& c) { c.parameters = {0}; }},
    {"heads 1.500000; expected a whole number from 1 to 16777216",
     [](call& c) { c.parameters = {1.5}; }},
    {"tensor 1 is [64, 64]; expected [64, 192]", [](call& c) { c.tensors[1].shape[1] = 64; }},
    {"tensor 2 is [64]; expected [192]", [](call& c) { c.tensors[2].shape = {64}; }},
    {"tensor 3 is [64, 128]; expected [64, 64]", [](call& c) { c.tensors[3].shape[1] = 128; }},
    {"tensor 4 is [1]; expected [64]", [](call& c) { c.tensors[4].shape = {1}; }},
    {"tensor 5 is [2, 6, 64]; expected [2, 5, 64]", [](call& c) { c.tensors[5].shape[1] = 6; }},
    {"tensor 1 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[1].strides = {400, 2};
     }},
    {"tensor 4 has strides; expected a contiguous one",
     [](call& c) { c.tensors[4].strides = {1}; }},
    {"tensor 5 has strides; expected rows at one distance through all batches",
     [](call& c) {
       c.tensors[5].strides = {1000, 64, 1};
     }},
};

TEST(multi_head_launchers, refuse_what_they_do_not_take) {
  for (const char* function : {"multi_head.dense.fwd", "multi_head.causal.fwd"})
    for (const auto& [by, type] : {std::pair{"naive", dtype::bf16},
                                   {"flash_simple", dtype::fp32},
                                   {"flash_mma", dtype::fp16}})
      for (const mistake& each : k_mistakes) {
        call what = right_call(type);
        each.make(what);
        EXPECT_EQ(refused(function, by, what), std::string("multi_head: ") + each.message) << by;
      }
}

TEST(multi_head_launchers, refuse_dtypes_and_widths_that_there_is_no_kernel_for) {
  const char* const dense = "multi_head.dense.fwd";
  EXPECT_EQ(refused(dense, "flash_simple", right_call(dtype::bf16)),
            "multi_head: tensor 0 is bf16; expected fp32");
  EXPECT_EQ(refused(dense, "flash_mma", right_call(dtype::fp32)),
            "multi_head: tensor 0 is fp32; expected bf16 or fp16");
  call mixed = right_call(dtype::bf16);
  mixed.tensors[3].type = dtype::fp16;
  EXPECT_EQ(refused(dense, "naive", mixed), "multi_head: tensor 3 is fp16; expected bf16");
  call narrow = right_call(dtype::bf16);
  narrow.parameters = {4};
  EXPECT_EQ(refused(dense, "flash_mma", narrow),
            "multi_head: tensor 0 has heads of 16; expected 32, 64, 96 or 128");
  call across = right_call(dtype::bf16);
  across.tensors[2].data = reinterpret_cast<void*>(0x10002);
  EXPECT_EQ(
      refused(dense, "flash_mma", across),
      "multi_head: tensor 2 has rows at other places; expected rows at multiples of 16 bytes");
  across.tensors[2].data = reinterpret_cast<void*>(0x10001);
  EXPECT_EQ(refused(dense, "naive", across),
            "multi_head: tensor 2 lies across its elements' alignment; expected an address "
            "divisible by 2");
}

// 10 tokens of 64 channels: packed 3 * 64, joined 64, 2 log-sum-exps, each part to 256 bytes; 2 * 2
// * 5 * 5 scores.
TEST(multi_head_launchers, want_scratch_memory_for_what_lies_between_the_kernels) {
  const std::size_t between = 10 * 192 * 4 + 10 * 64 * 4 + 256;
  for (const auto& [by, bytes] :
       {std::pair{"naive", between + 2 * 2 * 5 * 5 * 4}, {"flash_simple", between}}) {
    const launcher* const launch = find_launcher(simt::build::plain, "multi_head.dense.fwd", by);
    call little = right_call(dtype::fp32);
    EXPECT_EQ(launch->workspace(little), bytes);
    little.workspace_bytes = bytes - 1;
    EXPECT_EQ(refusal(*launch, little), "multi_head: scratch memory of " +
                                            std::to_string(bytes - 1) + " bytes; expected " +
                                            std::to_string(bytes));
  }
}

}  // namespace
}  // namespace assay::optimized
