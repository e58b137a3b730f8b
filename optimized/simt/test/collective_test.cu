// synccheck: warp collectives that not everybody reaches, or reaches alike.
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {

template <int Exited>
__global__ void shuffle_from_lane_31(global<int> y) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane == Exited) return;
  y[lane] = __shfl_sync(k_full_warp, lane, 31);  // line: shuffle
}

KERNEL_TEST(synccheck, sees_a_shuffle_from_an_exited_lane) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(shuffle_from_lane_31<-1>, bind(y)));
  EXPECT_EQ(y.to_vector()[3], 31);
  if (!k_is_sanitized) return;
  const outcome result = run(one_warp(shuffle_from_lane_31<31>, bind(y)));
  ASSERT_EQ(result.findings.size(), 2u) << text_of(result.findings);
  for (const finding& found : result.findings) EXPECT_EQ(found.kind, tool::synccheck);
  for (const finding& found : result.findings) EXPECT_EQ(mark_of(found.where), "shuffle");
  const std::string text = text_of(result.findings);
  EXPECT_NE(text.find("names lanes that have exited: 0x80000000"), std::string::npos) << text;
  EXPECT_NE(text.find("__shfl_sync reads lane 31, which takes no part in it"), std::string::npos)
      << text;
}

KERNEL_TEST(synccheck, sees_a_mask_that_names_a_lane_which_exits_before_or_after) {
  buffer<int> y(this_device(), 32, "y");
  run_broken(
      one_warp(shuffle_from_lane_31<0>, bind(y)),
      {.kind = tool::synccheck,
       .line = "shuffle",
       .message = "the mask 0xffffffff of __shfl_sync names lanes that have exited: 0x00000001"});
  run_broken(
      one_warp(shuffle_from_lane_31<30>, bind(y)),
      {.kind = tool::synccheck,
       .line = "shuffle",
       .message = "the mask 0xffffffff of __shfl_sync names lanes that have exited: 0x40000000"});
}

// Lanes 0 to 15 take part; those that a full shuffle down reads beyond them do not.
template <int Width>
__global__ void shuffle_down_in_a_half(global<int> y) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane >= 16) return;
  y[lane] = __shfl_down_sync(0xffffu, lane, 1, Width);  // line: shuffle down
}

KERNEL_TEST(synccheck, sees_a_shuffle_from_a_lane_that_takes_no_part) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(shuffle_down_in_a_half<16>, bind(y)));
  EXPECT_EQ(y.to_vector()[15], 15);
  run_broken(one_warp(shuffle_down_in_a_half<32>, bind(y)), {.kind = tool::synccheck,
                                                             .line = "shuffle down",
                                                             .message = "reads lane 16",
                                                             .thread = coordinates{15, 0, 0}});
}

template <unsigned Mask>
__global__ void vote_of_a_half(global<int> y) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane < 16) y[lane] = __any_sync(Mask, lane == 3);  // line: vote
}

KERNEL_TEST(synccheck, sees_a_mask_that_does_not_name_its_caller) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(vote_of_a_half<0xffffu>, bind(y)));
  if (!k_is_sanitized) return;
  const outcome result = run(one_warp(vote_of_a_half<0x7fffu>, bind(y)));
  ASSERT_FALSE(result.findings.empty());
  expect_finding(result.findings[0], {.kind = tool::synccheck,
                                      .line = "vote",
                                      .message = "__any_sync by lane 15, which its mask 0x00007fff",
                                      .thread = coordinates{15, 0, 0}});
}

template <bool IsMixed>
__global__ void collectives_of_two_branches(global<int> y) {
  const int lane = static_cast<int>(threadIdx.x);
  if (!IsMixed || lane < 16) {
    y[lane] = __any_sync(k_full_warp, 1);  // line: collective of the first branch
  } else {
    y[lane] = __all_sync(k_full_warp, 1);  // line: collective of the second branch
  }
}

KERNEL_TEST(synccheck, sees_lanes_that_call_different_collectives) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(collectives_of_two_branches<false>, bind(y)));
  if (!k_is_sanitized) return;
  const outcome result = run(one_warp(collectives_of_two_branches<true>, bind(y)));
  EXPECT_NE(result.error, "");  // and then they wait for each other
  ASSERT_FALSE(result.findings.empty());
  expect_finding(result.findings[0],
                 {.kind = tool::synccheck,
                  .line = "collective of the second branch",
                  .other_line = "collective of the first branch",
                  .message = "lane 16 calls __all_sync where lane 0 calls __any_sync"});
}

template <int Exited>
__global__ void mma_without_a_lane(global<float> y) {
  if (static_cast<int>(threadIdx.x) == Exited) return;
  accumulator d{};
  mma_m16n8k16<bf16>(d, fragment<4>{}, fragment<2>{});
  y[threadIdx.x] = d.x[0];
}

KERNEL_TEST(synccheck, refuses_an_mma_without_all_lanes) {
  buffer<float> y(this_device(), 32, "y");
  run_clean(one_warp(mma_without_a_lane<-1>, bind(y)));
#if !defined(__CUDACC__)
  for (const auto kernel : {mma_without_a_lane<0>, mma_without_a_lane<31>}) {
    const std::string error = run(one_warp(kernel, bind(y))).error;
    EXPECT_NE(error.find("mma.sync (bf16) at "), std::string::npos) << error;
    EXPECT_NE(error.find("needs all 32 lanes of the warp; lanes 0x"), std::string::npos) << error;
  }
#endif
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
