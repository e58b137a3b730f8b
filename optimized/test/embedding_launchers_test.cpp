// The launchers of embedding as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 2 sequences of 5 ids, 7 tokens, 6 positions, 24 columns.
tensor of(dtype type, const std::vector<std::int64_t>& shape) {
  return {reinterpret_cast<void*>(0x10000), type, shape};
}
call forward_call() {
  call what;
  what.tensors = {of(dtype::bf16, {7, 24}), of(dtype::bf16, {6, 24}), of(dtype::int32, {2, 5}),
                  of(dtype::bf16, {2, 5, 24})};
  return what;
}
call offset_call() {
  call what = forward_call();
  what.tensors.insert(what.tensors.begin() + 3, of(dtype::int32, {2}));
  return what;
}
call backward_call() {
  call what;
  what.tensors = {of(dtype::bf16, {2, 5, 24}), of(dtype::int32, {2, 5}), of(dtype::bf16, {7, 24}),
                  of(dtype::bf16, {6, 24})};
  what.workspace = reinterpret_cast<void*>(0x20000);
  what.workspace_bytes = 1 << 20;
  return what;
}
const launcher& launcher_of(const char* function, const char* by) {
  return *find_launcher(simt::build::plain, std::string("embedding.") + function, by);
}

TEST(embedding_launchers, refuse_what_the_forward_pass_does_not_take) {
  const std::vector<mistake> mistakes = {
      {"3 tensors; expected 4", [](call& c) { c.tensors.pop_back(); }},
      {"1 parameters; expected 0", [](call& c) { c.parameters = {1}; }},
      {"tensor 3 is of rank 2; expected 3",
       [](call& c) {
         c.tensors[3].shape = {10, 24};
       }},
      {"tensor 2 is of rank 1; expected 2", [](call& c) { c.tensors[2].shape = {10}; }},
      {"tensor 3 has an extent of -1; expected 0 or more",
       [](call& c) { c.tensors[3].shape[1] = -1; }},
      {"tensor 2 is [2, 4]; expected [2, 5]", [](call& c) { c.tensors[2].shape[1] = 4; }},
      {"tensor 0 is [7, 23]; expected [7, 24]", [](call& c) { c.tensors[0].shape[1] = 23; }},
      {"tensor 1 is [6, 25]; expected [6, 24]", [](call& c) { c.tensors[1].shape[1] = 25; }},
      {"tensor 2 is fp32; expected int32", [](call& c) { c.tensors[2].type = dtype::fp32; }},
      {"tensor 2 has strides; expected a contiguous one",
       [](call& c) {
         c.tensors[2].strides = {6, 1};
       }},
      {"dtype int32; expected fp32, bf16 or fp16",
       [](call& c) { c.tensors[3].type = dtype::int32; }},
      {"tensor 0 is fp16; expected bf16", [](call& c) { c.tensors[0].type = dtype::fp16; }},
      {"tensor 1 lies across its elements' alignment; expected an address divisible by 2",
       [](call& c) { c.tensors[1].data = reinterpret_cast<void*>(0x10001); }},
      {"tensor 0 has strides; expected rows that do not overlap",
       [](call& c) {
         c.tensors[0].strides = {20, 1};
       }},
      {"tensor 3 has strides; expected rows at one distance through all matrices",
       [](call& c) {
         c.tensors[3].strides = {500, 24, 1};
       }},
      {"tensor 1 has 4 rows; expected one for each of 5 positions",
       [](call& c) { c.tensors[1].shape[0] = 4; }},
      {"tensor 2 asks for 2147483647 of 7 rows; expected numbers below 2^31 - 1",
       [](call& c) {
         c.tensors[2].shape = {2147483647, 1};
         c.tensors[3].shape = {2147483647, 1, 24};
       }},
  };
  for (const mistake& each : mistakes) {
    call what = forward_call();
    each.make(what);
    EXPECT_EQ(refusal(launcher_of("tokens.fwd", "gather"), what),
              std::string("embedding: ") + each.message);
  }
}

TEST(embedding_launchers, refuse_lengths_that_are_not_one_for_each_sequence) {
  const std::vector<mistake> mistakes = {
      {"4 tensors; expected 5", [](call& c) { c.tensors.pop_back(); }},
      {"tensor 4 is of rank 2; expected 3",
       [](call& c) {
         c.tensors[4].shape = {10, 24};
       }},
      {"tensor 3 is of rank 2; expected 1",
       [](call& c) {
         c.tensors[3].shape = {2, 1};
       }},
      {"tensor 3 is [3]; expected [2]", [](call& c) { c.tensors[3].shape = {3}; }},
      {"tensor 3 is bf16; expected int32", [](call& c) { c.tensors[3].type = dtype::bf16; }},
      {"tensor 3 has strides; expected a contiguous one",
       [](call& c) { c.tensors[3].strides = {2}; }},
      {"tensor 1 has 4 rows; expected one for each of 5 positions",
       [](call& c) { c.tensors[1].shape[0] = 4; }},
  };
  for (const mistake& each : mistakes) {
    call what = offset_call();
    each.make(what);
    EXPECT_EQ(refusal(launcher_of("offset.fwd", "gather"), what),
              std::string("embedding: ") + each.message);
  }
}

TEST(embedding_launchers, refuse_what_the_backward_pass_does_not_take) {
  const std::vector<mistake> mistakes = {
      {"tensor 0 is of rank 2; expected 3",
       [](call& c) {
         c.tensors[0].shape = {10, 24};
       }},
      {"tensor 1 is [5, 2]; expected [2, 5]",
       [](call& c) {
         c.tensors[1].shape = {5, 2};
       }},
      {"tensor 3 has 1 rows; expected one for each of 5 positions",
       [](call& c) { c.tensors[3].shape[0] = 1; }},
      {"tensor 2 is fp32; expected bf16", [](call& c) { c.tensors[2].type = dtype::fp32; }},
  };
  for (const char* by : {"sorted", "naive", "atomic"})
    for (const mistake& each : mistakes) {
      call what = backward_call();
      each.make(what);
      EXPECT_EQ(refusal(launcher_of("tokens.bwd", by), what),
                std::string("embedding: ") + each.message)
          << by;
    }
}

// Two lists of 10 places, 256 counts of one tile, 8 first places; sums of 7 rows of 24.
TEST(embedding_launchers, want_scratch_memory_to_sort_in_and_for_sums) {
  for (const auto& [by, bytes] :
       {std::pair{"sorted", (2 * 10 + 256 + 8) * 4}, {"atomic", 7 * 24 * 4}}) {
    call what = backward_call();
    const launcher& launch = launcher_of("tokens.bwd", by);
    EXPECT_EQ(launch.workspace(what), std::size_t(bytes)) << by;
    what.workspace_bytes = std::size_t(bytes) - 1;
    EXPECT_EQ(refusal(launch, what), "embedding: scratch memory of " + std::to_string(bytes - 1) +
                                         " bytes; expected " + std::to_string(bytes));
  }
  call what = backward_call();
  for (const std::size_t i : {0u, 2u, 3u}) what.tensors[i].type = dtype::fp32;
  EXPECT_EQ(launcher_of("tokens.bwd", "atomic").workspace(what), 0u);  // the sums are the output's
}

}  // namespace
}  // namespace assay::optimized
