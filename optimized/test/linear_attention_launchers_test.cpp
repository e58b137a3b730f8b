// The launchers of linear attention as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 2 batches, 5 queries, 7 keys, 3 heads of 2 queries'
// each.
call right_call(dtype type, std::int64_t width) {
  const auto of = [&](const std::vector<std::int64_t>& shape) {
    return tensor{reinterpret_cast<void*>(0x10000), type, shape};
  };
  call what;
  what.tensors = {of({2, 5, 3, 2, width}), of({2, 7, 3, width}), of({2, 7, 3, width}),
                  of({2, 5, 3, 2, width})};
  what.workspace_bytes = 2 * 5 * 6 * 7 * 4;
  return what;
}

std::string refused(const char* function, const char* implementation, const call& what) {
  return refusal(*find_launcher(simt::build::plain, function, implementation), what);
}

const std::vector<mistake> k_mistakes = {
    {"3 tensors; expected 4", [](call& c) { c.tensors.pop_back(); }},
    {"1 parameters; expected 0", [](call& c) { c.parameters = {1}; }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 3 is bf16; expected fp32", [](call& c) { c.tensors[3].type = dtype::bf16; }},
    {"tensor 0 is of rank 4; expected 5", [](call& c) { c.tensors[0].shape.pop_back(); }},
    {"tensor 1 is of rank 3; expected 4", [](call& c) { c.tensors[1].shape.pop_back(); }},
    {"tensor 0 has an extent of -1; expected 0 to 2^31 - 1",
     [](call& c) { c.tensors[0].shape[1] = -1; }},
    {"tensor 1 is [2, 7, 4, 8]; expected [2, 7, 3, 8]", [](call& c) { c.tensors[1].shape[2] = 4; }},
    {"tensor 2 is [2, 6, 3, 8]; expected [2, 7, 3, 8]", [](call& c) { c.tensors[2].shape[1] = 6; }},
    {"tensor 3 is [2, 5, 6, 1, 8]; expected [2, 5, 3, 2, 8]",
     [](call& c) {
       c.tensors[3].shape = {2, 5, 6, 1, 8};
     }},
    {"tensor 2 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[2].strides = {336, 48, 16, 2};
     }},
    {"tensor 3 has strides; expected heads at one distance through all groups",
     [](call& c) {
       c.tensors[3].strides = {1000, 200, 40, 8, 1};
     }},
    {"tensor 1 lies across its elements' alignment; expected an address divisible by 4",
     [](call& c) { c.tensors[1].data = reinterpret_cast<void*>(0x10002); }},
};

TEST(linear_attention_launchers, refuse_what_they_do_not_take) {
  for (const char* function : {"linear_attention.dense.fwd", "linear_attention.causal.fwd"})
    for (const char* by : {"quadratic", "chunked"})
      for (const mistake& each : k_mistakes) {
        call what = right_call(dtype::fp32, 8);
        each.make(what);
        EXPECT_EQ(refused(function, by, what), std::string("linear_attention: ") + each.message);
      }
  call little = right_call(dtype::fp32, 8);
  little.workspace_bytes = 1679;
  EXPECT_EQ(refused("linear_attention.dense.fwd", "quadratic", little),
            "linear_attention: scratch memory of 1679 bytes; expected 1680");
  EXPECT_EQ(refused("linear_attention.dense.fwd", "chunked", right_call(dtype::bf16, 129)),
            "linear_attention: tensor 0 has heads of 129; expected at most 128");
}

}  // namespace
}  // namespace assay::optimized
