// Calls that the launchers of a causal mask must refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

namespace assay::optimized {
namespace {

// 2 matrices of 3 queries and 5 keys, apart. Any address will do: nothing is touched.
call right_call() {
  call what;
  for (std::uintptr_t t = 1; t <= 2; ++t)
    what.tensors.push_back({reinterpret_cast<void*>(0x10000 * t), dtype::bf16, {2, 3, 5}});
  return what;
}

const std::vector<mistake> k_mistakes = {
    {"0 tensors; expected 2", [](call& c) { c.tensors.clear(); }},
    {"1 tensors; expected 2", [](call& c) { c.tensors.pop_back(); }},
    {"1 parameters; expected 0", [](call& c) { c.parameters = {1}; }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 1 is fp16; expected bf16", [](call& c) { c.tensors[1].type = dtype::fp16; }},
    {"tensor 0 is of rank 2; expected 3",
     [](call& c) {
       c.tensors[0].shape = {6, 5};
     }},
    {"tensor 1 is [2, 5, 3]; expected [2, 3, 5]",
     [](call& c) {
       c.tensors[1].shape = {2, 5, 3};
     }},
    {"tensor 1 lies across its elements' alignment; expected an address divisible by 2",
     [](call& c) { c.tensors[1].data = reinterpret_cast<void*>(0x20001); }},
    {"tensor 0 has strides; expected one for each of its dimensions",
     [](call& c) {
       c.tensors[0].strides = {5, 1};
     }},
    {"tensor 1 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[1].strides = {30, 10, 2};
     }},
    {"tensor 1 has strides; expected rows that do not overlap",
     [](call& c) {
       c.tensors[1].strides = {12, 4, 1};
     }},
    {"tensor 0 has strides; expected rows at one distance through all matrices",
     [](call& c) {
       c.tensors[0].strides = {19, 6, 1};
     }},
    {"tensor 1 lies where tensor 0 does, with other strides; expected the same ones",
     [](call& c) {
       c.tensors[1].data = c.tensors[0].data;
       c.tensors[1].strides = {18, 6, 1};
     }},
    {"1125899906842624 elements; expected fewer: the grid has at most 2^31 - 1 blocks",
     [](call& c) {
       for (tensor& t : c.tensors) t.shape = {std::int64_t(1) << 30, 1 << 10, 1 << 10};
     }},
};

TEST(causal_mask_launchers, refuse_what_they_do_not_take) {
  for (const char* name : {"elements", "words"}) {
    const launcher* const by = find_launcher(simt::build::plain, "causal_mask.fill.fwd", name);
    for (const mistake& each : k_mistakes) {
      call what = right_call();
      each.make(what);
      EXPECT_EQ(refusal(*by, what), std::string("causal_mask: ") + each.message) << name;
    }
  }
}

TEST(causal_mask_launchers, do_nothing_where_there_is_nothing) {
  for (const char* name : {"elements", "words"})
    for (const std::vector<std::int64_t>& shape :
         std::vector<std::vector<std::int64_t>>{{0, 3, 5}, {2, 0, 5}, {2, 3, 0}}) {
      call what = right_call();
      for (tensor& t : what.tensors) t.shape = shape;
      EXPECT_EQ(refusal(*find_launcher(simt::build::plain, "causal_mask.fill.fwd", name), what),
                "nothing was refused");
    }
}

}  // namespace
}  // namespace assay::optimized
