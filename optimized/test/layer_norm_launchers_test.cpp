// The launchers of layer norm as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 6 rows of 40 channels.
call call_of(dtype type, const std::vector<std::vector<std::int64_t>>& shapes,
             const std::vector<std::size_t>& fp32) {
  call what;
  for (const auto& shape : shapes)
    what.tensors.push_back({reinterpret_cast<void*>(0x10000), type, shape});
  for (std::size_t i : fp32) what.tensors[i].type = dtype::fp32;
  what.workspace = reinterpret_cast<void*>(0x20000);
  what.workspace_bytes = std::size_t(1) << 20;
  return what;
}

call right_forward(dtype type) {
  call what = call_of(type, {{6, 40}, {40}, {40}, {6, 40}, {6}, {6}}, {4, 5});
  what.parameters = {1e-5};
  return what;
}
call right_backward(dtype type) {
  return call_of(type, {{6, 40}, {6, 40}, {40}, {6}, {6}, {6, 40}, {40}, {40}}, {3, 4, 6, 7});
}

std::string refused(const std::string& function, const std::string& by, const call& what) {
  return refusal(*find_launcher(simt::build::plain, function, by), what);
}

const std::vector<mistake> k_forward_mistakes = {
    {"5 tensors; expected 6", [](call& c) { c.tensors.pop_back(); }},
    {"0 parameters; expected 1", [](call& c) { c.parameters.clear(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"a tensor of rank 3; expected rank 2",
     [](call& c) {
       c.tensors[0].shape = {1, 6, 40};
     }},
    {"a tensor with an extent below 0; expected 0 at least",
     [](call& c) { c.tensors[0].shape[0] = -1; }},
    {"a row of 16777217 elements; expected at most 16777216",
     [](call& c) { c.tensors[0].shape[1] = (std::int64_t(1) << 24) + 1; }},
    {"tensor 1 is [39]; expected [40]", [](call& c) { c.tensors[1].shape = {39}; }},
    {"tensor 2 is bf16; expected fp16", [](call& c) { c.tensors[2].type = dtype::bf16; }},
    {"tensor 3 is [40, 6]; expected [6, 40]",
     [](call& c) {
       c.tensors[3].shape = {40, 6};
     }},
    {"tensor 4 is [7]; expected [6]", [](call& c) { c.tensors[4].shape = {7}; }},
    {"tensor 5 is fp16; expected fp32", [](call& c) { c.tensors[5].type = dtype::fp16; }},
    {"tensor 4 lies across its elements' alignment; expected an address divisible by 4",
     [](call& c) { c.tensors[4].data = reinterpret_cast<void*>(0x10002); }},
    {"tensor 0 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[0].strides = {80, 2};
     }},
    {"tensor 3 has strides; expected rows that do not overlap",
     [](call& c) {
       c.tensors[3].strides = {39, 1};
     }},
    {"tensor 1 has strides; expected a contiguous one",
     [](call& c) { c.tensors[1].strides = {1}; }},
    {"eps -0.500000; expected a finite number, 0 at least", [](call& c) { c.parameters = {-0.5}; }},
    {"eps nan; expected a finite number, 0 at least", [](call& c) { c.parameters = {NAN}; }},
};

const std::vector<mistake> k_backward_mistakes = {
    {"7 tensors; expected 8", [](call& c) { c.tensors.pop_back(); }},
    {"1 parameters; expected 0", [](call& c) { c.parameters = {1e-5}; }},
    {"tensor 1 is [6, 41]; expected [6, 40]", [](call& c) { c.tensors[1].shape[1] = 41; }},
    {"tensor 2 is [6]; expected [40]", [](call& c) { c.tensors[2].shape = {6}; }},
    {"tensor 3 is [40]; expected [6]", [](call& c) { c.tensors[3].shape = {40}; }},
    {"tensor 4 is fp16; expected fp32", [](call& c) { c.tensors[4].type = dtype::fp16; }},
    {"tensor 5 is fp32; expected fp16", [](call& c) { c.tensors[5].type = dtype::fp32; }},
    {"tensor 6 is fp16; expected fp32", [](call& c) { c.tensors[6].type = dtype::fp16; }},
    {"tensor 7 is [6]; expected [40]", [](call& c) { c.tensors[7].shape = {6}; }},
    {"tensor 7 has strides; expected a contiguous one",
     [](call& c) { c.tensors[7].strides = {1}; }},
};

TEST(layer_norm_launchers, refuse_what_they_do_not_take) {
  for (const char* by : {"shifted", "two_pass"})
    for (const mistake& each : k_forward_mistakes) {
      call what = right_forward(dtype::fp16);
      each.make(what);
      EXPECT_EQ(refused("layer_norm.plain.fwd", by, what),
                std::string("layer_norm: ") + each.message);
    }
  for (const char* by : {"one_pass", "two_pass"})
    for (const mistake& each : k_backward_mistakes) {
      call what = right_backward(dtype::fp16);
      each.make(what);
      EXPECT_EQ(refused("layer_norm.plain.bwd", by, what),
                std::string("layer_norm: ") + each.message);
    }
}

TEST(layer_norm_launchers, with_a_residual_want_a_tensor_more_on_either_side) {
  EXPECT_EQ(refused("layer_norm.residual.fwd", "shifted", right_forward(dtype::fp32)),
            "layer_norm: 6 tensors; expected 8");
  EXPECT_EQ(refused("layer_norm.residual.bwd", "one_pass", right_backward(dtype::fp32)),
            "layer_norm: 8 tensors; expected 9");
}

// Two sums for each channel of each block, which has 8 rows, or as many as leave 256 blocks.
TEST(layer_norm_launchers, want_scratch_memory_for_the_parts_of_blocks) {
  for (const char* by : {"one_pass", "two_pass"}) {
    const launcher* const launch = find_launcher(simt::build::plain, "layer_norm.plain.bwd", by);
    call little = right_backward(dtype::bf16);
    EXPECT_EQ(launch->workspace(little), 2 * 40 * 4u);
    little.workspace_bytes = 319;
    EXPECT_EQ(refusal(*launch, little), "layer_norm: scratch memory of 319 bytes; expected 320");
    little.tensors[0].shape = {8 * 256 + 1, 40};
    EXPECT_EQ(launch->workspace(little), 228 * 2 * 40 * 4u);
    little.tensors[0].shape = {1000000, 40};
    EXPECT_EQ(launch->workspace(little), 3907 * 2 * 40 * 4u);
  }
}

}  // namespace
}  // namespace assay::optimized
