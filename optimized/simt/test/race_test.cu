// racecheck: what two threads do to the same memory must be ordered, by a barrier, by __syncwarp,
// or by fences and atomics.
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {
namespace {

constexpr unsigned k_threads = 64;

// In a removed barrier's place a reader may also come before the writer, and find memory that
// nobody has written yet: what racecheck alone says.
outcome run_for_races(auto launch_on) {
  emulation how;
  how.tools.initcheck = false;
  return run(launch_on, how);
}

template <class Kernel, class... Arguments>
auto one_block(Kernel kernel, const Arguments&... arguments) {
  return [=](stream& turn) { launch(kernel, dim3(1), dim3(k_threads), 0, turn, arguments...); };
}

}  // namespace

template <bool HasBarrier>
__global__ void reverse_through_shared(global<const int> x, global<int> y) {
  __shared__ array<int, 64> all;
  const int i = static_cast<int>(threadIdx.x);
  all[i] = x[i];  // line: write before the barrier
  if (HasBarrier) __syncthreads();
  y[i] = all[63 - i];  // line: read after the barrier
}

KERNEL_TEST(racecheck, sees_that_a_syncthreads_was_removed) {
  auto x = on_device(counted_up<int>(k_threads));
  buffer<int> y(this_device(), k_threads, "y");
  run_clean(one_block(reverse_through_shared<true>, bind(x), bind(y)));
  EXPECT_EQ(y.to_vector()[5], 58);
  if (!k_is_sanitized) return;
  // Threads run in their order: 31 reads before 32 writes, and 32 reads what 31 has written.
  const outcome result = run_for_races(one_block(reverse_through_shared<false>, bind(x), bind(y)));
  ASSERT_EQ(result.findings.size(), 2u) << text_of(result.findings);
  expect_finding(result.findings[0], {.kind = tool::racecheck,
                                      .line = "write before the barrier",
                                      .other_line = "read after the barrier",
                                      .message = "races with the read by thread (31,0,0)",
                                      .thread = coordinates{32, 0, 0}});
  expect_finding(result.findings[1], {.kind = tool::racecheck,
                                      .line = "read after the barrier",
                                      .other_line = "write before the barrier",
                                      .message = "races with the write by thread (31,0,0)",
                                      .thread = coordinates{32, 0, 0}});
  EXPECT_EQ(result.findings[0].kernel, "reverse_through_shared<false>");
  EXPECT_EQ(result.findings[0].count, 32u);
}

// Thread 1 reads what thread 0 wrote before, whatever the schedule.
template <bool HasBarrier>
__global__ void hand_over(global<int> y) {
  __shared__ array<int, 1> cell;
  if (threadIdx.x == 0) cell[0] = 7;  // line: write by the first
  if (HasBarrier) __syncthreads();
  if (threadIdx.x == 40) y[0] = cell[0];  // line: read by another warp
}

KERNEL_TEST(racecheck, tells_both_lines_and_threads) {
  buffer<int> y(this_device(), 1, "y");
  run_clean(one_block(hand_over<true>, bind(y)));
  EXPECT_EQ(y.to_vector(), std::vector<int>{7});
  run_broken(one_block(hand_over<false>, bind(y)),
             {.kind = tool::racecheck,
              .line = "read by another warp",
              .other_line = "write by the first",
              .message = "races with the write by thread (0,0,0)",
              .block = coordinates{0, 0, 0},
              .thread = coordinates{40, 0, 0}});
}

#if defined(ASSAY_SANITIZED)
KERNEL_TEST(racecheck, is_silent_where_it_is_not_asked_for) {
  buffer<int> y(this_device(), 1, "y");
  emulation how;
  how.tools.racecheck = false;
  run_clean(one_block(hand_over<false>, bind(y)), how);
}
#endif

template <bool AreApart>
__global__ void sum_of_blocks(global<int> y) {
  const unsigned at = AreApart ? blockIdx.x : 0;
  if (threadIdx.x == 3) y[at] = static_cast<int>(blockIdx.x);  // line: write by every block
}

KERNEL_TEST(racecheck, sees_blocks_that_write_the_same_global_memory) {
  buffer<int> y(this_device(), 4, "y");
  const auto launch_on = [&](auto kernel) {
    return [&y, kernel](stream& turn) {
      launch(kernel, dim3(2, 2), dim3(k_threads), 0, turn, bind(y));
    };
  };
  const auto apart = [&](stream& turn) {
    launch(sum_of_blocks<true>, dim3(4), dim3(k_threads), 0, turn, bind(y));
  };
  run_clean(apart);
  EXPECT_EQ(y.to_vector(), (std::vector<int>{0, 1, 2, 3}));
  const outcome result =
      run_broken(launch_on(sum_of_blocks<false>),
                 {.kind = tool::racecheck,
                  .line = "write by every block",
                  .other_line = "write by every block",
                  .message = "races with the write by thread (3,0,0) of block (0,0,0)",
                  .block = coordinates{1, 0, 0},
                  .thread = coordinates{3, 0, 0}});
  if (!result.findings.empty()) {
    EXPECT_EQ(result.findings[0].count, 3u);  // blocks 1, 2 and 3
  }
}

template <bool AreApart>
__global__ void read_what_another_block_writes(global<int> y) {
  if (threadIdx.x != 0) return;
  if (blockIdx.x == 0) {
    y[AreApart ? 1 : 0] = y[0] + 1;  // line: first block
  } else {
    y[2] = y[0];  // line: second block
  }
}

KERNEL_TEST(racecheck, sees_a_block_that_reads_what_another_writes) {
  auto y = on_device(std::vector<int>{1, 2, 3});
  const auto two_blocks = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(2), dim3(32), 0, turn, bind(y)); };
  };
  run_clean(two_blocks(read_what_another_block_writes<true>));
  run_broken(two_blocks(read_what_another_block_writes<false>),
             {.kind = tool::racecheck, .line = "second block", .other_line = "first block"});
}

KERNEL_TEST(racecheck, knows_that_one_launch_comes_after_the_other) {
  auto y = on_device(std::vector<int>{0, 0, 0, 0});
  run_clean([&](stream& turn) {
    launch(sum_of_blocks<true>, dim3(4), dim3(k_threads), 0, turn, bind(y));
    launch(sum_of_blocks<true>, dim3(4), dim3(k_threads), 0, turn, bind(y));
  });
}

// A shuffle makes the lanes meet, but orders no memory; __syncwarp does both.
template <bool IsShuffle>
__global__ void pass_to_the_neighbour(global<int> y) {
  __shared__ array<int, 32> all;
  const int lane = static_cast<int>(threadIdx.x);
  all[lane] = lane;  // line: write before they meet
  if (IsShuffle) {
    __shfl_sync(k_full_warp, lane, 0);
  } else {
    __syncwarp();
  }
  y[lane] = all[lane ^ 1];  // line: read after they met
}

KERNEL_TEST(racecheck, takes_syncwarp_but_no_shuffle_as_order) {
  buffer<int> y(this_device(), 32, "y");
  const auto one_warp = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(1), dim3(32), 0, turn, bind(y)); };
  };
  run_clean(one_warp(pass_to_the_neighbour<false>));
  EXPECT_EQ(y.to_vector()[4], 5);
  run_broken(one_warp(pass_to_the_neighbour<true>), {.kind = tool::racecheck,
                                                     .line = "read after they met",
                                                     .other_line = "write before they meet"});
}

// Only the lanes that a __syncwarp names are ordered by it.
template <bool AreAll>
__global__ void halves_of_a_warp(global<int> y) {
  __shared__ array<int, 32> all;
  const int lane = static_cast<int>(threadIdx.x);
  all[lane] = lane;  // line: write in its half
  if (AreAll) {
    __syncwarp();
  } else {
    __syncwarp(lane < 16 ? 0xffffu : 0xffff0000u);
  }
  y[lane] = all[31 - lane];  // line: read of the other half
}

KERNEL_TEST(racecheck, takes_a_syncwarp_of_half_a_warp_as_order_of_that_half) {
  buffer<int> y(this_device(), 32, "y");
  const auto one_warp = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(1), dim3(32), 0, turn, bind(y)); };
  };
  run_clean(one_warp(halves_of_a_warp<true>));
  if (!k_is_sanitized) return;
  const outcome result = run_for_races(one_warp(halves_of_a_warp<false>));
  ASSERT_EQ(result.findings.size(), 2u) << text_of(result.findings);
  expect_finding(result.findings[1], {.kind = tool::racecheck,
                                      .line = "read of the other half",
                                      .other_line = "write in its half",
                                      .message = "races with the write by thread (0,0,0)",
                                      .thread = coordinates{31, 0, 0}});
}

// A named barrier orders those that arrive before those that wait, and nobody else.
template <bool AreAllThere>
__global__ void producer_and_consumer(global<int> y) {
  __shared__ array<int, 64> all;
  const int i = static_cast<int>(threadIdx.x);
  if (i < 32) {
    all[i] = i;  // line: produced
    barrier_arrive(1, 64);
    if (!AreAllThere) all[i] = 2 * i;  // line: produced too late
  } else {
    barrier_sync(1, 64);
    y[i - 32] = all[63 - i];  // line: consumed
  }
}

KERNEL_TEST(racecheck, takes_a_named_barrier_as_order_for_what_came_before_it) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_block(producer_and_consumer<true>, bind(y)));
  EXPECT_EQ(y.to_vector()[0], 31);
  run_broken(one_block(producer_and_consumer<false>, bind(y)),
             {.kind = tool::racecheck, .line = "consumed", .other_line = "produced too late"});
}

// Atomics do not race with atomics; a plain access races with an atomic.
template <bool HasBarrier>
__global__ void count_and_look(global<int> total, global<int> y) {
  __shared__ array<int, 1> count;
  if (threadIdx.x == 0) count[0] = 0;
  __syncthreads();
  atomicAdd(&count[0], 1);  // line: atomic
  atomicAdd(&total[0], 1);
  if (HasBarrier) __syncthreads();
  if (threadIdx.x == 63) y[0] = count[0];  // line: plain read
}

KERNEL_TEST(racecheck, lets_atomics_meet_atomics_but_no_plain_access) {
  auto total = on_device(std::vector<int>{0});
  buffer<int> y(this_device(), 1, "y");
  run_clean(one_block(count_and_look<true>, bind(total), bind(y)));
  EXPECT_EQ(y.to_vector()[0], 64);
  EXPECT_EQ(total.to_vector()[0], 64);
  run_broken(one_block(count_and_look<false>, bind(total), bind(y)),
             {.kind = tool::racecheck,
              .line = "atomic",  // of a thread whose turn comes after the reader's
              .other_line = "plain read",
              .message = "races with the read by thread (63,0,0)"});
}

template <bool IsAtomic>
__global__ void one_plain_write(global<int> total) {
  if (IsAtomic || blockIdx.x == 0) {
    atomicAdd(&total[0], 1);  // line: atomic of a block
  } else {
    total[0] = 5;  // line: plain write of a block
  }
}

KERNEL_TEST(racecheck, sees_a_plain_write_to_a_global_counter) {
  auto total = on_device(std::vector<int>{0});
  const auto two_blocks = [&](auto kernel) {
    return
        [&total, kernel](stream& turn) { launch(kernel, dim3(2), dim3(1), 0, turn, bind(total)); };
  };
  run_clean(two_blocks(one_plain_write<true>));
  EXPECT_EQ(total.to_vector()[0], 2);
  run_broken(two_blocks(one_plain_write<false>), {.kind = tool::racecheck,
                                                  .line = "plain write of a block",
                                                  .other_line = "atomic of a block",
                                                  .block = coordinates{1, 0, 0}});
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
