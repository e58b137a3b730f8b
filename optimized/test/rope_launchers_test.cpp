// Calls that the launchers of rope must refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace assay::optimized {
namespace {

// Two sequences of 3 tokens of 4 heads of 6 elements. Any address will do: nothing is touched.
call right_call() {
  call what;
  for (int t = 0; t < 2; ++t)
    what.tensors.push_back({reinterpret_cast<void*>(0x10000), dtype::bf16, {2, 3, 4, 6}});
  what.parameters = {0, 10000, 4};
  what.workspace_bytes = 24;
  return what;
}

void reshape(call& c, const std::vector<std::int64_t>& shape) {
  for (tensor& t : c.tensors) t.shape = shape;
}

const std::vector<mistake> k_mistakes = {
    {"0 tensors; expected 2", [](call& c) { c.tensors.clear(); }},
    {"3 tensors; expected 2", [](call& c) { c.tensors.push_back(c.tensors[0]); }},
    {"2 parameters; expected 3", [](call& c) { c.parameters.pop_back(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 1 is fp32; expected bf16", [](call& c) { c.tensors[1].type = dtype::fp32; }},
    {"scratch memory of 23 bytes; expected 24", [](call& c) { c.workspace_bytes = 23; }},
    {"tensor 1 has strides; expected a contiguous one",
     [](call& c) {
       c.tensors[1].strides = {72, 24, 6, 1};
     }},
    {"tensor 1 is of another shape; expected that of tensor 0",
     [](call& c) {
       c.tensors[1].shape = {2, 4, 3, 6};
     }},
    {"a tensor of rank 3; expected rank 4",
     [](call& c) {
       reshape(c, {2, 12, 6});
     }},
    {"heads of 9 elements; expected an even number, 2^24 at most",
     [](call& c) {
       reshape(c, {2, 2, 4, 9});
     }},
    {"heads of 16777218 elements; expected an even number, 2^24 at most",
     [](call& c) {
       reshape(c, {1, 1, 1, (1 << 24) + 2});
     }},
    {"offset 0.5; expected an integer from 0 to 2^24", [](call& c) { c.parameters[0] = 0.5; }},
    {"offset -1; expected an integer from 0 to 2^24", [](call& c) { c.parameters[0] = -1; }},
    {"base 0; expected a number from 1 to 2^32", [](call& c) { c.parameters[1] = 0; }},
    {"base nan; expected a number from 1 to 2^32",
     [](call& c) { c.parameters[1] = std::numeric_limits<double>::quiet_NaN(); }},
    {"scale 65537; expected a number from 1 to 2^16", [](call& c) { c.parameters[2] = 65537; }},
};

TEST(rope_launchers, refuse_what_they_do_not_take) {
  const launcher* const by = find_launcher(simt::build::plain, "rope.ntk.fwd", "direct");
  for (const mistake& each : k_mistakes) {
    call what = right_call();
    each.make(what);
    EXPECT_EQ(refusal(*by, what), std::string("rope: ") + each.message);
  }
}

}  // namespace
}  // namespace assay::optimized
