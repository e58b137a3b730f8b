// The launchers of attention as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 2 batches, 5 queries, 7 keys, 3 heads of 2 queries'
// each.
tensor of(const std::vector<std::int64_t>& shape, dtype type) {
  return {reinterpret_cast<void*>(0x10000), type, shape};
}
call right_call(dtype type, std::int64_t width, bool lengths = false) {
  call what;
  what.tensors = {of({2, 5, 3, 2, width}, type), of({2, 7, 3, width}, type),
                  of({2, 7, 3, width}, type)};
  if (lengths) what.tensors.push_back(of({2}, dtype::int32));
  what.tensors.push_back(of({2, 5, 3, 2, width}, type));
  what.tensors.push_back(of({2, 3, 2, 5}, dtype::fp32));
  what.parameters = {0};
  what.workspace_bytes = 2 * 5 * 6 * 7 * 4;
  return what;
}

std::string refused(const char* function, const char* implementation, const call& what) {
  return refusal(*find_launcher(simt::build::plain, function, implementation), what);
}

const std::vector<mistake> k_mistakes = {
    {"4 tensors; expected 5", [](call& c) { c.tensors.pop_back(); }},
    {"0 parameters; expected 1", [](call& c) { c.parameters.clear(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 2 is bf16; expected fp32", [](call& c) { c.tensors[2].type = dtype::bf16; }},
    {"tensor 0 is of rank 4; expected 5", [](call& c) { c.tensors[0].shape.pop_back(); }},
    {"tensor 1 is of rank 3; expected 4", [](call& c) { c.tensors[1].shape.pop_back(); }},
    {"tensor 1 has an extent of 2147483648; expected 0 to 2^31 - 1",
     [](call& c) { c.tensors[1].shape[1] = std::int64_t(1) << 31; }},
    {"tensor 1 is [2, 7, 4, 8]; expected [2, 7, 3, 8]", [](call& c) { c.tensors[1].shape[2] = 4; }},
    {"tensor 2 is [2, 6, 3, 8]; expected [2, 7, 3, 8]", [](call& c) { c.tensors[2].shape[1] = 6; }},
    {"tensor 3 is [2, 5, 6, 1, 8]; expected [2, 5, 3, 2, 8]",
     [](call& c) {
       c.tensors[3].shape = {2, 5, 6, 1, 8};
     }},
    {"tensor 4 is [2, 5, 3, 2]; expected [2, 3, 2, 5]",
     [](call& c) {
       c.tensors[4].shape = {2, 5, 3, 2};
     }},
    {"tensor 4 is bf16; expected fp32", [](call& c) { c.tensors[4].type = dtype::bf16; }},
    {"tensor 4 has strides; expected a contiguous one",
     [](call& c) {
       c.tensors[4].strides = {60, 20, 10, 2};
     }},
    {"tensor 1 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[1].strides = {336, 48, 16, 2};
     }},
    {"tensor 1 has strides; expected one for each of its dimensions",
     [](call& c) { c.tensors[1].strides = {1}; }},
    {"tensor 0 has strides; expected heads at one distance through all groups",
     [](call& c) {
       c.tensors[0].strides = {1000, 200, 40, 8, 1};
     }},
    {"tensor 2 lies across its elements' alignment; expected an address divisible by 4",
     [](call& c) { c.tensors[2].data = reinterpret_cast<void*>(0x10002); }},
    {"scale -1.000000; expected a number from 0 to 1048576", [](call& c) { c.parameters[0] = -1; }},
    {"scale nan; expected a number from 0 to 1048576",
     [](call& c) { c.parameters[0] = std::numeric_limits<double>::quiet_NaN(); }},
};

TEST(attention_launchers, refuse_what_they_do_not_take) {
  for (const char* by : {"naive", "flash_simple"})
    for (const mistake& each : k_mistakes) {
      call what = right_call(dtype::fp32, 8);
      each.make(what);
      EXPECT_EQ(refused("attention.causal.fwd", by, what),
                std::string("attention: ") + each.message);
    }
  call little = right_call(dtype::fp32, 8);
  little.workspace_bytes = 1679;
  EXPECT_EQ(refused("attention.dense.fwd", "naive", little),
            "attention: scratch memory of 1679 bytes; expected 1680");
  call window = right_call(dtype::fp32, 8);
  window.parameters = {0, 1.5, 0};
  EXPECT_EQ(refused("attention.window.fwd", "naive", window),
            "attention: left 1.500000; expected a whole number from 0 to 16777216");
  call lengths = right_call(dtype::fp32, 8, true);
  lengths.tensors[3].type = dtype::fp32;
  EXPECT_EQ(refused("attention.padding.fwd", "naive", lengths),
            "attention: tensor 3 is fp32; expected int32");
}

TEST(attention_launchers, refuse_heads_and_rows_that_their_tiles_cannot_hold) {
  EXPECT_EQ(refused("attention.dense.fwd", "flash_simple", right_call(dtype::bf16, 32)),
            "attention: tensor 0 is bf16; expected fp32");
  EXPECT_EQ(refused("attention.dense.fwd", "flash_simple", right_call(dtype::fp32, 129)),
            "attention: tensor 0 has heads of 129; expected at most 128");
  EXPECT_EQ(refused("attention.dense.fwd", "flash_mma", right_call(dtype::fp32, 32)),
            "attention: tensor 0 is fp32; expected bf16 or fp16");
  EXPECT_EQ(refused("attention.dense.fwd", "flash_mma", right_call(dtype::bf16, 48)),
            "attention: tensor 0 has heads of 48; expected 32, 64, 96 or 128");
  call shifted = right_call(dtype::bf16, 32);
  shifted.tensors[1].data = reinterpret_cast<void*>(0x10008);
  EXPECT_EQ(refused("attention.dense.fwd", "flash_mma", shifted),
            "attention: tensor 1 has rows at other places; expected rows at multiples of 16 bytes");
}

// q, k, v, o, lse, the gradient of o; dq, dk, dv.
call right_gradient_call(dtype type, std::int64_t width) {
  call what = right_call(type, width);
  const tensor q = what.tensors[0], k = what.tensors[1];
  what.tensors.insert(what.tensors.end(), {q, q, k, k});
  what.workspace_bytes = (1 + 2 * 7) * 2 * 5 * 6 * 4;
  return what;
}

const std::vector<mistake> k_gradient_mistakes = {
    {"5 tensors; expected 9", [](call& c) { c.tensors.resize(5); }},
    {"tensor 3 is [2, 5, 6, 1, 32]; expected [2, 5, 3, 2, 32]",
     [](call& c) {
       c.tensors[3].shape = {2, 5, 6, 1, 32};
     }},
    {"tensor 4 is [2, 3, 2]; expected [2, 3, 2, 5]",
     [](call& c) { c.tensors[4].shape.pop_back(); }},
    {"tensor 4 is fp16; expected fp32", [](call& c) { c.tensors[4].type = dtype::fp16; }},
    {"tensor 5 is int32; expected bf16", [](call& c) { c.tensors[5].type = dtype::int32; }},
    {"tensor 6 is [2, 7, 3, 32]; expected [2, 5, 3, 2, 32]",
     [](call& c) { c.tensors[6].shape = c.tensors[1].shape; }},
    {"tensor 7 is [2, 7, 3, 31]; expected [2, 7, 3, 32]",
     [](call& c) { c.tensors[7].shape[3] = 31; }},
    {"tensor 8 is [2, 6, 3, 32]; expected [2, 7, 3, 32]",
     [](call& c) { c.tensors[8].shape[1] = 6; }},
    {"tensor 8 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[8].strides = {1344, 192, 64, 2};
     }},
};

TEST(attention_launchers, refuse_gradients_that_they_do_not_take) {
  for (const char* by : {"naive", "flash_mma"}) {
    for (const mistake& each : k_gradient_mistakes) {
      call what = right_gradient_call(dtype::bf16, 32);
      each.make(what);
      EXPECT_EQ(refused("attention.causal.bwd", by, what),
                std::string("attention: ") + each.message);
    }
    call little = right_gradient_call(dtype::bf16, 32);
    little.workspace_bytes = 2 * 5 * 6 * 4 - 1;
    EXPECT_EQ(refused("attention.causal.bwd", by, little),
              "attention: scratch memory of 239 bytes; expected " +
                  std::string(by == std::string("naive") ? "3600" : "240"));
  }
  EXPECT_EQ(refused("attention.dense.bwd", "flash_mma", right_gradient_call(dtype::fp32, 32)),
            "attention: tensor 0 is fp32; expected bf16 or fp16");
  EXPECT_EQ(refused("attention.dense.bwd", "flash_mma", right_gradient_call(dtype::bf16, 48)),
            "attention: tensor 0 has heads of 48; expected 32, 64, 96 or 128");
  call shifted = right_gradient_call(dtype::bf16, 32);
  shifted.tensors[6].data = reinterpret_cast<void*>(0x10008);
  EXPECT_EQ(refused("attention.dense.bwd", "flash_mma", shifted),
            "attention: tensor 6 has rows at other places; expected rows at multiples of 16 bytes");
}

}  // namespace
}  // namespace assay::optimized
