// The launchers of linear layers as anybody calls them: what they refuse, and what they want.

#include "optimized/launcher.hpp"
#include "optimized/linear_plan.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched. 5 rows, 24 inputs, 16 outputs.
call right_call(const std::vector<std::vector<std::int64_t>>& shapes, dtype type = dtype::fp32) {
  call what;
  for (const std::vector<std::int64_t>& shape : shapes)
    what.tensors.push_back({reinterpret_cast<void*>(0x10000), type, shape});
  return what;
}
call right_forward(dtype type = dtype::fp32) {
  return right_call({{5, 24}, {24, 16}, {16}, {5, 16}}, type);
}
call right_backward() { return right_call({{5, 24}, {24, 16}, {5, 16}, {5, 24}, {24, 16}, {16}}); }

std::string refused(const char* function, const char* implementation, const call& what) {
  return refusal(*find_launcher(simt::build::plain, function, implementation), what);
}

TEST(linear_launchers, refuse_what_they_do_not_take) {
  const std::vector<mistake> mistakes = {
      {"3 tensors; expected 4", [](call& c) { c.tensors.pop_back(); }},
      {"1 parameters; expected 0", [](call& c) { c.parameters = {1}; }},
      {"dtype int32; expected fp32, bf16 or fp16",
       [](call& c) { c.tensors[0].type = dtype::int32; }},
      {"tensor 0 is of rank 3; expected 2",
       [](call& c) {
         c.tensors[0].shape = {1, 5, 24};
       }},
      {"tensor 1 is of rank 1; expected 2", [](call& c) { c.tensors[1].shape = {384}; }},
      {"tensor 0 has an extent of -1; expected 0 to 2^31 - 1",
       [](call& c) { c.tensors[0].shape[0] = -1; }},
      {"tensor 1 is [16, 24]; expected [24, 24]",
       [](call& c) {
         c.tensors[1].shape = {16, 24};
       }},
      {"tensor 2 is [24]; expected [16]", [](call& c) { c.tensors[2].shape = {24}; }},
      {"tensor 3 is [5, 24]; expected [5, 16]", [](call& c) { c.tensors[3].shape[1] = 24; }},
      {"tensor 2 is bf16; expected fp32", [](call& c) { c.tensors[2].type = dtype::bf16; }},
      {"tensor 2 has strides; expected a contiguous one",
       [](call& c) { c.tensors[2].strides = {1}; }},
      {"tensor 3 has strides; expected rows whose elements are neighbours",
       [](call& c) {
         c.tensors[3].strides = {40, 2};
       }},
      {"tensor 0 has strides; expected one for each of its dimensions",
       [](call& c) { c.tensors[0].strides = {24}; }},
      {"tensor 1 lies across its elements' alignment; expected an address divisible by 4",
       [](call& c) { c.tensors[1].data = reinterpret_cast<void*>(0x10002); }},
  };
  for (const char* by : {"naive", "tiled"})
    for (const mistake& each : mistakes) {
      call what = right_forward();
      each.make(what);
      EXPECT_EQ(refused("linear.bias.fwd", by, what), std::string("linear: ") + each.message) << by;
    }
}

TEST(linear_launchers, refuse_gradients_of_other_shapes) {
  for (const auto& [tensor, message] : {std::pair{2, "tensor 2 is [5, 17]; expected [5, 16]"},
                                        {3, "tensor 3 is [5, 25]; expected [5, 24]"},
                                        {4, "tensor 4 is [24, 17]; expected [24, 16]"},
                                        {5, "tensor 5 is [17]; expected [16]"}}) {
    call what = right_backward();
    what.tensors[std::size_t(tensor)].shape.back() += 1;
    EXPECT_EQ(refused("linear.bias.bwd", "naive", what), std::string("linear: ") + message);
  }
}

TEST(linear_launchers, want_a_matrix_as_their_layout_has_it) {
  call what = right_forward();
  EXPECT_EQ(refused("linear.out_in.fwd", "naive", what),
            "linear: tensor 1 is [24, 16]; expected [24, 24]");
  what.tensors[1].shape = {16, 24};
  what.tensors.pop_back();
  EXPECT_EQ(refused("linear.tied.fwd", "naive", what),
            "linear: tensor 2 is [16]; expected [5, 16]");
}

TEST(linear_launchers, refuse_dtypes_that_there_is_no_kernel_for) {
  EXPECT_EQ(refused("linear.bias.fwd", "tiled", right_forward(dtype::bf16)),
            "linear: tensor 0 is bf16; expected fp32");
  for (const char* by : {"mma", "mma_128"})
    EXPECT_EQ(refused("linear.bias.fwd", by, right_forward()),
              "linear: tensor 0 is fp32; expected bf16 or fp16");
}

// 3 rows and 96 columns are 1 x 2 tiles of 64: 770 terms in three chunks, each with parts of its
// own. Tiles of 128 keep chunks together.
TEST(linear_launchers, want_scratch_memory_for_chunks_that_are_apart) {
  call what = right_call({{3, 770}, {770, 96}, {96}, {3, 96}}, dtype::bf16);
  const launcher* const mma = find_launcher(simt::build::plain, "linear.bias.fwd", "mma");
  EXPECT_EQ(mma->workspace(what), std::size_t(3 * 3 * 96 * 4));
  EXPECT_EQ(refusal(*mma, what), "linear: scratch memory of 0 bytes; expected 3456");
  EXPECT_EQ(find_launcher(simt::build::plain, "linear.bias.fwd", "mma_128")->workspace(what), 0u);
  EXPECT_EQ(find_launcher(simt::build::plain, "linear.bias.fwd", "naive")->workspace, nullptr);
}

// In the order in which terms are added nothing asks how many rows there are.
TEST(linear_plan, cuts_terms_by_columns_and_inner_dimension_alone) {
  for (const std::int64_t columns : {1, 24, 768, 2304, 3072, 50257})
    for (const std::int64_t inner : {0, 1, 31, 512, 768, 770, 3072, 8192}) {
      const product_chunks chunks = chunks_of(columns, inner);
      EXPECT_EQ(chunks.length % k_product_inner_tile, 0);
      EXPECT_GE(std::int64_t(chunks.length) * chunks.count, inner);
      EXPECT_LT(std::int64_t(chunks.length) * (chunks.count - 1), std::max<std::int64_t>(inner, 1));
      for (const std::int64_t rows : {1, 64, 65, 8192})
        for (const int tile : {0, 64, 128}) {
          const product_plan plan = plan_of(rows, columns, inner, tile);
          EXPECT_EQ(plan.chunks.length, chunks.length);
          EXPECT_EQ(plan.chunks.count, chunks.count);
          EXPECT_FALSE(plan.apart && (plan.tile == 128 || chunks.count == 1));
        }
    }
  EXPECT_EQ(chunks_of(768, 3072).count, 12);
  EXPECT_EQ(chunks_of(50257, 768).count, 1);
  EXPECT_TRUE(plan_of(1, 768, 3072).apart);
  EXPECT_FALSE(plan_of(8192, 768, 3072).apart);
  EXPECT_EQ(plan_of(8192, 768, 3072).tile, 128);
}

}  // namespace
}  // namespace assay::optimized
