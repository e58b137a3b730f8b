// The launchers of cross-entropy as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 5 rows of 40 columns, of which 37 count.
call right_call(bool gradient) {
  const auto of = [&](dtype type, const std::vector<std::int64_t>& shape) {
    return tensor{reinterpret_cast<void*>(0x10000), type, shape};
  };
  call what;
  what.tensors = {of(dtype::bf16, {5, 40}), of(dtype::int32, {5})};
  if (gradient) what.tensors.push_back(of(dtype::bf16, {5, 40}));
  what.tensors.push_back(of(dtype::fp32, {5}));
  what.tensors.push_back(of(dtype::fp32, {}));
  what.parameters = {37};
  if (gradient) what.parameters.push_back(1);
  what.workspace = reinterpret_cast<void*>(0x20000);
  what.workspace_bytes = 4;
  return what;
}

const std::vector<mistake> k_mistakes = {
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 0 is of rank 3; expected 2",
     [](call& c) {
       c.tensors[0].shape = {1, 5, 40};
     }},
    {"tensor 1 is [4]; expected [5]", [](call& c) { c.tensors[1].shape = {4}; }},
    {"tensor 1 is fp32; expected int32", [](call& c) { c.tensors[1].type = dtype::fp32; }},
    {"tensor 1 has strides; expected a contiguous one",
     [](call& c) { c.tensors[1].strides = {2}; }},
    {"tensor 0 has strides; expected rows that do not overlap",
     [](call& c) {
       c.tensors[0].strides = {39, 1};
     }},
    {"tensor 0 lies across its elements' alignment; expected an address divisible by 2",
     [](call& c) { c.tensors[0].data = reinterpret_cast<void*>(0x10001); }},
    {"live 41.000000; expected a whole number from 0 to 40, the columns",
     [](call& c) { c.parameters[0] = 41; }},
    {"live -1.000000; expected a whole number from 0 to 40, the columns",
     [](call& c) { c.parameters[0] = -1; }},
    {"live 1.500000; expected a whole number from 0 to 40, the columns",
     [](call& c) { c.parameters[0] = 1.5; }},
    {"scratch memory of 3 bytes; expected 4", [](call& c) { c.workspace_bytes = 3; }},
};

TEST(cross_entropy_launchers, refuse_what_they_do_not_take) {
  for (const char* variant : {"mean", "sum"})
    for (const bool gradient : {false, true})
      for (const char* by : {"staged", "staged_unit", "three_pass"}) {
        const launcher& launch = *find_launcher(
            simt::build::plain,
            std::string("cross_entropy.") + variant + (gradient ? ".bwd" : ".fwd"), by);
        const auto expect = [&](const char* message, const std::function<void(call&)>& make) {
          call what = right_call(gradient);
          make(what);
          EXPECT_EQ(refusal(launch, what), std::string("cross_entropy: ") + message) << by;
        };
        for (const mistake& each : k_mistakes) expect(each.message, each.make);
        const std::size_t losses = gradient ? 3 : 2;
        expect(gradient ? "4 tensors; expected 5" : "3 tensors; expected 4",
               [](call& c) { c.tensors.pop_back(); });
        expect(gradient ? "1 parameters; expected 2" : "0 parameters; expected 1",
               [](call& c) { c.parameters.pop_back(); });
        expect(gradient ? "tensor 3 is bf16; expected fp32" : "tensor 2 is bf16; expected fp32",
               [&](call& c) { c.tensors[losses].type = dtype::bf16; });
        expect(gradient ? "tensor 4 is [1]; expected []" : "tensor 3 is [1]; expected []",
               [&](call& c) { c.tensors[losses + 1].shape = {1}; });
        if (!gradient) continue;
        expect("tensor 2 is [5, 37]; expected [5, 40]",
               [](call& c) { c.tensors[2].shape[1] = 37; });
        expect("tensor 2 is fp16; expected bf16", [](call& c) { c.tensors[2].type = dtype::fp16; });
      }
}

}  // namespace
}  // namespace assay::optimized
