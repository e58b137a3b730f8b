// The launchers of the global norm as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string_view>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 100,000 elements of 16 bits: 7 blocks of 16,384.
call right_call() {
  const auto of = [](dtype type, const std::vector<std::int64_t>& shape) {
    return tensor{reinterpret_cast<void*>(0x10000), type, shape};
  };
  call what;
  what.tensors = {of(dtype::fp16, {100000}), of(dtype::fp32, {}), of(dtype::fp32, {})};
  what.parameters = {1};
  what.workspace = reinterpret_cast<void*>(0x20000);
  what.workspace_bytes = 56;
  return what;
}

const std::vector<mistake> k_mistakes = {
    {"2 tensors; expected 3", [](call& c) { c.tensors.pop_back(); }},
    {"0 parameters; expected 1", [](call& c) { c.parameters.clear(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 1 is fp16; expected fp32", [](call& c) { c.tensors[1].type = dtype::fp16; }},
    {"tensor 2 has 2 elements; expected 1", [](call& c) { c.tensors[2].shape = {2}; }},
    {"tensor 0 has strides; expected a contiguous one",
     [](call& c) { c.tensors[0].strides = {2}; }},
    {"tensor 0 lies across its elements' alignment; expected an address divisible by 2",
     [](call& c) { c.tensors[0].data = reinterpret_cast<void*>(0x10001); }},
    {"limit -1.000000; expected 0 or more", [](call& c) { c.parameters[0] = -1; }},
    {"limit nan; expected 0 or more",
     [](call& c) { c.parameters[0] = std::numeric_limits<double>::quiet_NaN(); }},
};

TEST(global_norm_launchers, refuse_what_they_do_not_take) {
  for (const std::string_view by : {"double_sums", "two_stage", "naive"}) {
    const launcher& launch = *find_launcher(simt::build::plain, "global_norm.norm.fwd", by);
    for (const mistake& each : k_mistakes) {
      call what = right_call();
      each.make(what);
      EXPECT_EQ(refusal(launch, what), std::string("global_norm: ") + each.message) << by;
    }
    if (!launch.workspace) continue;
    call what = right_call();
    const std::size_t needed = by == "double_sums" ? 56 : 28;
    EXPECT_EQ(launch.workspace(what), needed);
    what.workspace_bytes = needed - 1;
    EXPECT_EQ(refusal(launch, what), "global_norm: scratch memory of " +
                                         std::to_string(needed - 1) + " bytes; expected " +
                                         std::to_string(needed));
  }
}

}  // namespace
}  // namespace assay::optimized
