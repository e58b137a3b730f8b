// The launchers of sampling as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 5 rows of 40 columns.
call right_call(const std::string& variant) {
  const auto of = [&](dtype type, const std::vector<std::int64_t>& shape) {
    return tensor{reinterpret_cast<void*>(0x10000), type, shape};
  };
  call what;
  what.tensors = {of(dtype::bf16, {5, 40})};
  if (variant == "draw") what.tensors.push_back(of(dtype::fp32, {5}));
  if (variant == "next") what.tensors.insert(what.tensors.end(), 2, of(dtype::int32, {5}));
  what.tensors.push_back(of(dtype::int32, {5}));
  if (variant != "greedy") what.parameters = {1, 20, 0.5};
  if (variant == "next") what.parameters.push_back(7);
  return what;
}

const std::vector<mistake> k_mistakes = {
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 0 is of rank 3; expected 2",
     [](call& c) {
       c.tensors[0].shape = {1, 5, 40};
     }},
    {"tensor 0 has strides; expected rows that do not overlap",
     [](call& c) {
       c.tensors[0].strides = {39, 1};
     }},
    {"tensor 0 lies across its elements' alignment; expected an address divisible by 2",
     [](call& c) { c.tensors[0].data = reinterpret_cast<void*>(0x10001); }},
    {"8388609 columns; expected 2^23 at most: sums of their weights are integers of 64 bits",
     [](call& c) { c.tensors[0].shape[1] = 8388609; }},
};

const std::vector<mistake> k_wrong_settings = {
    {"temperature -1.000000; expected a finite number, not negative",
     [](call& c) { c.parameters[0] = -1; }},
    {"temperature inf; expected a finite number, not negative",
     [](call& c) { c.parameters[0] = HUGE_VAL; }},
    {"temperature nan; expected a finite number, not negative",
     [](call& c) { c.parameters[0] = NAN; }},
    {"top_k -1.000000; expected a whole number from 0 to 2^53",
     [](call& c) { c.parameters[1] = -1; }},
    {"top_k 1.500000; expected a whole number from 0 to 2^53",
     [](call& c) { c.parameters[1] = 1.5; }},
    {"top_p -0.500000; expected 0 to 1", [](call& c) { c.parameters[2] = -0.5; }},
    {"top_p 1.500000; expected 0 to 1", [](call& c) { c.parameters[2] = 1.5; }},
    {"top_p nan; expected 0 to 1", [](call& c) { c.parameters[2] = NAN; }},
};

TEST(sampling_launchers, refuse_what_they_do_not_take) {
  for (const std::string variant : {"greedy", "draw", "next"})
    for (const char* by : {"block", "naive"}) {
      const launcher& launch =
          *find_launcher(simt::build::plain, "sampling." + variant + ".fwd", by);
      const auto expect = [&](const std::string& message, const std::function<void(call&)>& make) {
        call what = right_call(variant);
        make(what);
        EXPECT_EQ(refusal(launch, what), "sampling: " + message) << variant << " " << by;
      };
      for (const mistake& each : k_mistakes) expect(each.message, each.make);
      const std::size_t last = right_call(variant).tensors.size() - 1;
      const std::string number = std::to_string(last), count = std::to_string(last + 1);
      expect(number + " tensors; expected " + count, [](call& c) { c.tensors.pop_back(); });
      expect("tensor " + number + " is fp32; expected int32",
             [&](call& c) { c.tensors[last].type = dtype::fp32; });
      expect("tensor " + number + " is [4]; expected [5]",
             [&](call& c) { c.tensors[last].shape = {4}; });
      expect("tensor " + number + " has strides; expected a contiguous one",
             [&](call& c) { c.tensors[last].strides = {2}; });
      if (variant == "greedy") continue;
      for (const mistake& each : k_wrong_settings) expect(each.message, each.make);
      const std::string settings = std::to_string(right_call(variant).parameters.size());
      expect("0 parameters; expected " + settings, [](call& c) { c.parameters.clear(); });
      if (variant == "draw")
        expect("tensor 1 is bf16; expected fp32", [](call& c) { c.tensors[1].type = dtype::bf16; });
      else
        expect("tensor 1 is fp32; expected int32",
               [](call& c) { c.tensors[1].type = dtype::fp32; });
      if (variant == "next")
        expect("seed 0.500000; expected a whole number from 0 to 2^53",
               [](call& c) { c.parameters[3] = 0.5; });
    }
}

}  // namespace
}  // namespace assay::optimized
