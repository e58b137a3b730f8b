// synccheck: barriers and collectives that not everybody reaches, or reaches alike; and cp.async,
// whose copies have happened after the wait for the thread that waited, and after a barrier for the
// others.
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {
namespace {

template <class Kernel, class... Arguments>
auto two_warps(Kernel kernel, const Arguments&... arguments) {
  return [=](stream& turn) { launch(kernel, dim3(1), dim3(64), 0, turn, arguments...); };
}
template <class Kernel, class... Arguments>
auto one_warp(Kernel kernel, const Arguments&... arguments) {
  return [=](stream& turn) { launch(kernel, dim3(1), dim3(32), 0, turn, arguments...); };
}

}  // namespace

// ---- barriers

template <bool IsDivergent>
__global__ void barriers_of_two_branches(global<int> y) {
  if (!IsDivergent || threadIdx.x < 32) {
    __syncthreads();  // line: barrier of the first branch
  } else {
    __syncthreads();  // line: barrier of the second branch
  }
  y[threadIdx.x] = 1;
}

KERNEL_TEST(synccheck, sees_threads_of_a_block_at_different_barriers) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(barriers_of_two_branches<false>, bind(y)));
  const outcome result = run_broken(two_warps(barriers_of_two_branches<true>, bind(y)),
                                    {.kind = tool::synccheck,
                                     .line = "barrier of the second branch",
                                     .other_line = "barrier of the first branch",
                                     .thread = coordinates{32, 0, 0}});
  EXPECT_EQ(result.error, "");
}

template <bool IsDivergent>
__global__ void barrier_after_return(global<int> y) {
  if (IsDivergent && threadIdx.x >= 40) return;
  __syncthreads();  // line: barrier after some returned
  y[threadIdx.x] = 1;
}

KERNEL_TEST(synccheck, sees_a_barrier_that_some_threads_have_returned_before) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(barrier_after_return<false>, bind(y)));
  run_broken(two_warps(barrier_after_return<true>, bind(y)),
             {.kind = tool::synccheck,
              .line = "barrier after some returned",
              .message = "the barrier opens for 40 threads only because the other 24"});
}

template <int Expected>
__global__ void barrier_of_two_counts(global<int> y) {
  barrier_sync(1, threadIdx.x < 32 ? 64 : Expected);  // line: named barrier
  y[threadIdx.x] = 1;
}

KERNEL_TEST(synccheck, sees_a_named_barrier_that_is_called_for_different_numbers_of_threads) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(barrier_of_two_counts<64>, bind(y)));
  run_broken(two_warps(barrier_of_two_counts<96>, bind(y)),
             {.kind = tool::synccheck,
              .line = "named barrier",
              .other_line = "named barrier",
              .message = "barrier 1 for 96 threads; others have arrived at it for 64"});
}

// Warp 0 waits for warp 1 at one barrier, and warp 1 for warp 0 at another.
template <bool IsCrossed>
__global__ void two_named_barriers(global<int> y) {
  const bool first = threadIdx.x < 32;
  barrier_sync(first || !IsCrossed ? 1 : 2, 64);  // line: who waits where
  barrier_sync(first || !IsCrossed ? 2 : 1, 64);
  y[threadIdx.x] = 1;
}

KERNEL_TEST(synccheck, tells_of_a_deadlock_who_waits_where) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(two_named_barriers<false>, bind(y)));
  if (k_this_build == build::gpu) return;
  const outcome result = run(two_warps(two_named_barriers<true>, bind(y)));
  EXPECT_NE(
      result.error.find("deadlock: in block (0,0,0), 0 of 64 threads have exited; 32 wait for "),
      std::string::npos)
      << result.error;
  for (const char* number : {"1", "2"}) {
    EXPECT_NE(result.error.find("number " + std::string(number) +
                                ", which 32 of 64 threads have reached"),
              std::string::npos)
        << result.error;
  }
  EXPECT_NE(result.error.find("synchronisation_test.cu:"), std::string::npos) << result.error;
  if (!k_is_sanitized) return;
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].kind, tool::synccheck);
  EXPECT_EQ(mark_of(result.findings[0].where), "who waits where");
}

// A thread that never comes: the rest of its warp waits for its shuffle.
template <bool IsSplit>
__global__ void shuffle_in_half_a_warp(global<int> y) {
  const int lane = static_cast<int>(threadIdx.x);
  int v = lane;
  if (IsSplit && lane >= 16) {
    __syncthreads();  // line: barrier in the other half
  } else {
    v = __shfl_xor_sync(k_full_warp, v, 1);  // line: shuffle in one half
    __syncthreads();
  }
  y[lane] = v;
}

KERNEL_TEST(synccheck, tells_which_lanes_a_shuffle_waits_for) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(shuffle_in_half_a_warp<false>, bind(y)));
  if (k_this_build == build::gpu) return;
  const outcome result = run(one_warp(shuffle_in_half_a_warp<true>, bind(y)));
  EXPECT_NE(result.error.find("of lanes 0xffffffff of warp 0, of which 0xffff0000 have not come"),
            std::string::npos)
      << result.error;
  EXPECT_NE(result.error.find("which 16 of 32 threads have reached"), std::string::npos)
      << result.error;
}

KERNEL_TEST(synccheck, leaves_the_emulator_usable_after_a_deadlock) {
  if (k_this_build == build::gpu) return;
  buffer<int> y(this_device(), 64, "y");
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(run(two_warps(two_named_barriers<true>, bind(y))).error, "");
    run_clean(two_warps(two_named_barriers<false>, bind(y)));
  }
}

__global__ void spin_for_ever(global<int> flag) {
  while (atomicAdd(&flag[0], 0) == 0) {
  }
}

KERNEL_TEST(synccheck, stops_a_kernel_that_spins_at_the_time_limit) {
  if (k_this_build == build::gpu) return;
  auto flag = on_device(std::vector<int>{0}, "flag");
  emulation how;
  how.time_limit_seconds = 0.05;
  const outcome result = run(one_warp(spin_for_ever, bind(flag)), how);
  EXPECT_NE(result.error.find("the time limit of 0.05 s was reached"), std::string::npos)
      << result.error;
}

// ---- collectives

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
  if (k_this_build == build::gpu) return;
  for (const auto kernel : {mma_without_a_lane<0>, mma_without_a_lane<31>}) {
    const std::string error = run(one_warp(kernel, bind(y))).error;
    EXPECT_NE(error.find("mma.sync (bf16) at "), std::string::npos) << error;
    EXPECT_NE(error.find("needs all 32 lanes of the warp; lanes 0x"), std::string::npos) << error;
  }
}

// ---- cp.async

enum class copying { correct, no_wait, no_barrier, too_few_waited, never_waited };

template <copying How>
__global__ void copy_through_shared(global<const int> x, global<int> y) {
  __shared__ array<int, 64> tile;
  const int i = static_cast<int>(threadIdx.x);
  cp_async<4>(&tile[i], &x[i]);  // line: copy
  cp_async_commit();
  if (How == copying::correct || How == copying::no_barrier) cp_async_wait_group<0>();
  if (How == copying::too_few_waited) cp_async_wait_group<1>();
  if (How == copying::never_waited) return;
  if (How != copying::no_barrier) __syncthreads();
  y[i] = tile[How == copying::no_barrier ? (i + 32) % 64 : i];  // line: use of the copy
  if (How != copying::correct) cp_async_wait_all();
}

KERNEL_TEST(racecheck, sees_that_a_copy_was_not_waited_for) {
  auto x = on_device(counted_up<int>(64), "x");
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(copy_through_shared<copying::correct>, bind(std::as_const(x)), bind(y)));
  EXPECT_EQ(y.to_vector(), counted_up<int>(64));
  const expected_finding expected{.kind = tool::racecheck,
                                  .line = "use of the copy",
                                  .other_line = "copy",
                                  .message = "that it has not waited for"};
  run_broken(two_warps(copy_through_shared<copying::no_wait>, bind(std::as_const(x)), bind(y)),
             expected);
  run_broken(
      two_warps(copy_through_shared<copying::too_few_waited>, bind(std::as_const(x)), bind(y)),
      expected);
}

KERNEL_TEST(racecheck, sees_that_the_barrier_after_the_wait_is_missing) {
  auto x = on_device(counted_up<int>(64), "x");
  buffer<int> y(this_device(), 64, "y");
  if (!k_is_sanitized) return;
  const outcome result =
      run(two_warps(copy_through_shared<copying::no_barrier>, bind(std::as_const(x)), bind(y)));
  bool races = false;
  for (const finding& found : result.findings) {
    if (found.kind != tool::racecheck) continue;
    races = true;
    EXPECT_TRUE((mark_of(found.where) == "use of the copy" && mark_of(found.other) == "copy") ||
                (mark_of(found.where) == "copy" && mark_of(found.other) == "use of the copy"))
        << to_string(found);
  }
  EXPECT_TRUE(races) << text_of(result.findings);
}

KERNEL_TEST(synccheck, sees_a_thread_that_exits_with_copies_on_their_way) {
  auto x = on_device(counted_up<int>(64), "x");
  buffer<int> y(this_device(), 64, "y");
  run_broken(two_warps(copy_through_shared<copying::never_waited>, bind(std::as_const(x)), bind(y)),
             {.kind = tool::synccheck,
              .line = "copy",
              .message = "exits without having waited for 1 of its cp.async copies"});
}

// The source of a copy must stay as it is until the wait.
template <bool HasWaited>
__global__ void overwrite_the_source(global<int> x) {
  __shared__ array<int, 32> tile;
  const int i = static_cast<int>(threadIdx.x);
  cp_async<4>(&tile[i], &x[i]);  // line: copy from x
  if (HasWaited) cp_async_wait_all();
  x[i] = 0;  // line: write to x
  cp_async_wait_all();
}

KERNEL_TEST(racecheck, sees_that_the_source_of_a_copy_is_written_too_early) {
  auto x = on_device(counted_up<int>(32), "x");
  run_clean(one_warp(overwrite_the_source<true>, bind(x)));
  run_broken(one_warp(overwrite_the_source<false>, bind(x)), {.kind = tool::racecheck,
                                                              .line = "write to x",
                                                              .other_line = "copy from x",
                                                              .message = "before the wait for"});
}

// Of 16 bytes only VALID are read: the end of a tensor need not be padded.
__global__ void copy_the_tail(global<const int> x, global<int> y, int valid) {
  __shared__ array<int, 4> tile;
  cp_async<16>(&tile[0], x, valid);  // line: copy of a tail
  cp_async_wait_all();
  for (int i = 0; i < 4; ++i) y[i] = tile[i];
}

KERNEL_TEST(memcheck, lets_a_copy_end_where_its_source_ends) {
  auto x = on_device(std::vector<int>{1, 2, 3}, "x");
  buffer<int> y(this_device(), 4, "y");
  const auto copy = [&](int valid) {
    return [&, valid](stream& turn) {
      launch(copy_the_tail, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y), valid);
    };
  };
  run_clean(copy(12));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{1, 2, 3, 0}));
  run_clean(copy(6));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{1, 2, 0, 0}));
  run_clean(copy(0));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{0, 0, 0, 0}));
  run_broken(copy(16),
             {.kind = tool::memcheck, .line = "copy of a tail", .message = "of x (12 bytes)"});
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
