// synccheck: barriers that not everybody reaches, or reaches alike.
#include "optimized/simt/test/kernel_test.cuh"

// Branches that are alike are what it is about: two barriers in two places.
// NOLINTBEGIN(bugprone-branch-clone,misc-redundant-expression)

namespace assay::simt::inline ASSAY_BUILD::test {

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

template <int First, int Last>
__global__ void barrier_after_return(global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= First && i < Last) return;
  __syncthreads();  // line: barrier after some returned
  y[i] = 1;
}

// Whoever returns, and whenever: before the others come, after them, or in between.
KERNEL_TEST(synccheck, sees_a_barrier_that_some_threads_have_returned_before) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(barrier_after_return<64, 64>, bind(y)));
  const auto expect_seen = [&](auto kernel, unsigned first, const std::string& message) {
    for (std::uint64_t schedule = 0; schedule <= 6; ++schedule) {
      SCOPED_TRACE(schedule);
      emulation how;
      how.schedule = schedule;
      run_broken(two_warps(kernel, bind(y)),
                 {.kind = tool::synccheck,
                  .line = "barrier after some returned",
                  .message = message,
                  .thread = coordinates{first, 0, 0}},
                 how);
    }
  };
  expect_seen(barrier_after_return<40, 64>, 40, "opens for 40 threads only because the other 24");
  expect_seen(barrier_after_return<32, 64>, 32, "opens for 32 threads only because the other 32");
  expect_seen(barrier_after_return<0, 32>, 0, "opens for 32 threads only because the other 32");
  expect_seen(barrier_after_return<7, 8>, 7, "opens for 63 threads only because the other 1 ");
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

// bar.sync counts whole warps: half of one stands for all of it.
template <bool IsSplit>
__global__ void named_barrier_of_half_warps(global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  if (!IsSplit || i % 32 < 16) barrier_sync(1, IsSplit ? 32 : 64);  // line: barrier of some lanes
  y[i] = 1;
}

KERNEL_TEST(synccheck, sees_a_named_barrier_that_only_half_a_warp_reaches) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(named_barrier_of_half_warps<false>, bind(y)));
  for (std::uint64_t schedule = 0; schedule <= 6; ++schedule) {
    emulation how;
    how.schedule = schedule;
    run_broken(two_warps(named_barrier_of_half_warps<true>, bind(y)),
               {.kind = tool::synccheck,
                .line = "barrier of some lanes",
                .message = "lanes 0xffff0000 of warp 0 take no part in barrier 1"},
               how);
  }
  // Nobody else comes, and the barrier that would open on a GPU does not.
  if (!k_is_sanitized) return;
  const outcome alone = run(one_warp(named_barrier_of_half_warps<true>, bind(y)));
  EXPECT_NE(alone.error.find("deadlock"), std::string::npos) << alone.error;
  ASSERT_EQ(alone.findings.size(), 2u) << text_of(alone.findings);
  EXPECT_NE(text_of(alone.findings).find("lanes 0xffff0000 of warp 0 take no part in barrier 1"),
            std::string::npos)
      << text_of(alone.findings);
}

// Two warps produce, one consumes.
template <bool IsSplit>
__global__ void arrival_of_half_warps(global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= 64) {
    barrier_sync(1, IsSplit ? 64 : 96);
  } else if (!IsSplit || i % 2 == 0) {
    barrier_arrive(1, IsSplit ? 64 : 96);  // line: arrival of some lanes
  }
  y[i] = 1;
}

KERNEL_TEST(synccheck, sees_an_arrival_of_only_half_a_warp) {
  buffer<int> y(this_device(), 96, "y");
  const auto three_warps = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(1), dim3(96), 0, turn, bind(y)); };
  };
  run_clean(three_warps(arrival_of_half_warps<false>));
  run_broken(three_warps(arrival_of_half_warps<true>),
             {.kind = tool::synccheck,
              .line = "arrival of some lanes",
              .message = "lanes 0xaaaaaaaa of warp 0 take no part in barrier 1"});
}

// A warp executes one instruction: its lanes cannot meet at two.
template <bool IsSplit>
__global__ void named_barriers_of_two_branches(global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  if ((IsSplit ? i % 32 : i) < 16 + 16 * !IsSplit) {
    barrier_sync(1, 64);  // line: named barrier of the first branch
  } else {
    barrier_sync(1, 64);  // line: named barrier of the second branch
  }
  y[i] = 1;
}

KERNEL_TEST(synccheck, sees_lanes_of_a_warp_at_different_named_barriers) {
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(named_barriers_of_two_branches<false>, bind(y)));
  run_broken(two_warps(named_barriers_of_two_branches<true>, bind(y)),
             {.kind = tool::synccheck,
              .line = "named barrier of the second branch",
              .other_line = "named barrier of the first branch",
              .message = "lanes of one warp meet at different barriers"});
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
  EXPECT_NE(result.error.find("barrier_test.cu:"), std::string::npos) << result.error;
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

}  // namespace assay::simt::inline ASSAY_BUILD::test

// NOLINTEND(bugprone-branch-clone,misc-redundant-expression)
