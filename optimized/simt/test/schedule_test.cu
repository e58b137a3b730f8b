// What must not depend on the number of workers and on the order of threads, and what may; queues.
#include "optimized/simt/test/counter_kernels.cuh"
#include "optimized/simt/test/kernel_test.cuh"

#include <cmath>

namespace assay::simt::inline ASSAY_BUILD::test {

// Arithmetic that would show any difference, barriers, shuffles, and integer atomics.
__global__ void busy(global<const float> x, global<float> y, global<unsigned> total) {
  __shared__ array<float, 4, 33> tile;
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  float v = x[i];
  for (int d = 1; d < 32; d *= 2) v += 0.7f * __shfl_xor_sync(k_full_warp, v, d);
  tile[warp][lane] = v;
  __syncthreads();
  v = tile[(warp + 1) % 4][31 - lane] / 3;
  atomicAdd(&total[blockIdx.x % 3], bits_of(v) & 0xffu);
  if (__syncthreads_count(v > 1) > 60) v = -v;
  y[i] = v;
}

namespace {

constexpr std::size_t k_n = 20 * 128;

struct busy_result {
  std::vector<float> y;
  std::vector<unsigned> total;
  counters counted;
  bool operator==(const busy_result&) const = default;
};

busy_result run_busy(emulation how) {
  std::vector<float> values;
  for (std::size_t i = 0; i < k_n; ++i) values.push_back(std::sin(static_cast<float>(i)));
  auto x = on_device(values, "x");
  buffer<float> y(this_device(), k_n, "y");
  auto total = on_device(std::vector<unsigned>(3, 0), "total");
  busy_result result;
  result.counted = run_clean(
      [&](stream& turn) {
        launch(busy, dim3(20), dim3(128), 0, turn, bind(std::as_const(x)), bind(y), bind(total));
      },
      std::move(how));
  result.y = y.to_vector();
  result.total = total.to_vector();
  return result;
}

}  // namespace

KERNEL_TEST(schedule, results_and_counters_do_not_depend_on_the_number_of_workers) {
  emulation how;
  how.workers = 1;
  const busy_result alone = run_busy(how);
  for (const unsigned workers : {2u, 7u}) {
    how.workers = workers;
    EXPECT_TRUE(run_busy(how) == alone) << workers;
  }
}

KERNEL_TEST(schedule, results_and_counters_do_not_depend_on_the_order_of_threads) {
  const busy_result in_order = run_busy({});
  for (std::uint64_t schedule = 1; schedule <= 25; ++schedule) {
    emulation how;
    how.schedule = schedule;
    how.workers = 2;
    EXPECT_TRUE(run_busy(how) == in_order) << schedule;
  }
}

#if !defined(__CUDACC__)

__global__ void sum_floats(global<const float> x, global<float> total) {
  atomicAdd(&total[0], x[blockIdx.x * blockDim.x + threadIdx.x]);
}

// The sum of floats by atomics depends on their order; blocks in order give the order of the
// threads.
KERNEL_TEST(schedule, blocks_in_order_make_a_sum_by_float_atomics_repeatable) {
  std::vector<float> values;
  float in_order = 0;
  for (int i = 0; i < 4096; ++i) {
    values.push_back(std::exp(static_cast<float>(i * 37 % 101) / 10));
    in_order += values.back();
  }
  auto x = on_device(values, "x");
  for (const unsigned workers : {1u, 2u, 7u}) {
    auto total = on_device(std::vector<float>{0}, "total");
    emulation how;
    how.workers = workers;
    how.blocks_in_order = true;
    run_clean(
        [&](stream& turn) {
          launch(sum_floats, dim3(64), dim3(64), 0, turn, bind(std::as_const(x)), bind(total));
        },
        how);
    EXPECT_EQ(total.to_vector()[0], in_order) << workers;
  }
}

// Planted: warp 1 takes what warp 0 leaves, without a barrier. In program order that goes well.
__global__ void warp_0_goes_first(global<int> y) {
  __shared__ array<int, 32> left;
  const int lane = static_cast<int>(threadIdx.x % 32);
  if (threadIdx.x < 32) {
    left[lane] = lane;
  } else {
    y[lane] = left[lane];
  }
}

KERNEL_TEST(schedule, a_random_order_finds_a_reader_that_relies_on_program_order) {
  const auto result_of = [](std::uint64_t schedule) {
    buffer<int> y(this_device(), 32, "y");
    emulation how;
    how.schedule = schedule;
    run([&](stream& turn) { launch(warp_0_goes_first, dim3(1), dim3(64), 0, turn, bind(y)); }, how);
    return y.to_vector();
  };
  EXPECT_EQ(result_of(0), counted_up<int>(32));
  int wrong = 0;
  for (std::uint64_t schedule = 1; schedule <= 10; ++schedule) {
    const auto y = result_of(schedule);
    wrong += y != counted_up<int>(32) ? 1 : 0;
    EXPECT_EQ(y, result_of(schedule)) << "a schedule's number names one order: " << schedule;
  }
  EXPECT_GE(wrong, 9);
}

// A ticket is drawn by threads in the order in which they run.
__global__ void draw_tickets(global<int> next, global<int> y) {
  y[threadIdx.x] = atomicAdd(&next[0], 1);
}

// Enough switches and atomics for the scheduler's fairness to have its say.
__global__ void draw_tickets_late(global<int> next, global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  int v = i;
  for (int round = 0; round < 40; ++round) v = __shfl_xor_sync(k_full_warp, v, 1);
  y[64 * static_cast<int>(blockIdx.x) + i] = atomicAdd(&next[blockIdx.x], 1) + (v & 0);
}

KERNEL_TEST(schedule, the_order_of_a_block_s_threads_does_not_depend_on_what_ran_before) {
  constexpr unsigned k_blocks = 50;
  for (const std::uint64_t schedule : {0u, 9u}) {
    std::vector<std::vector<int>> all;
    for (const unsigned workers : {1u, 2u, 7u, 1u}) {
      auto next = on_device(std::vector<int>(k_blocks, 0), "next");
      buffer<int> y(this_device(), 64 * k_blocks, "y");
      emulation how;
      how.workers = workers;
      how.schedule = schedule;
      run_clean(
          [&](stream& turn) {
            launch(draw_tickets_late, dim3(k_blocks), dim3(64), 0, turn, bind(next), bind(y));
          },
          how);
      all.push_back(y.to_vector());
      EXPECT_EQ(all.back(), all.front());
    }
    for (std::size_t i = 0; schedule == 0 && i < all[0].size(); ++i)
      ASSERT_EQ(all[0][i], all[0][i % 64]);
  }
}

// No barrier, no collective, no atomic: between blocks there is still time to look at the clock.
__global__ void slow_block(global<float> y) {
  float v = 1;
  for (int i = 0; i < 100000; ++i) v = fmaf(v, 1.0000001f, 1e-9f);
  if (v < 0) y[0] = v;  // never; but a loop whose result nobody wants is left out
}

KERNEL_TEST(schedule, a_grid_of_many_blocks_stops_at_the_time_limit) {
  buffer<float> y(this_device(), 1, "y");
  emulation how;
  how.time_limit_seconds = 0.05;
  const outcome result = run(
      [&](stream& turn) { launch(slow_block, dim3(1u << 30), dim3(1), 0, turn, bind(y)); }, how);
  EXPECT_NE(result.error.find("the time limit of 0.05 s was reached"), std::string::npos)
      << result.error;
}

KERNEL_TEST(schedule, every_number_is_an_order_of_its_own) {
  const auto order_of = [](std::uint64_t schedule) {
    auto next = on_device(std::vector<int>{0}, "next");
    buffer<int> y(this_device(), 64, "y");
    emulation how;
    how.schedule = schedule;
    run_clean(
        [&](stream& turn) {
          launch(draw_tickets, dim3(1), dim3(64), 0, turn, bind(next), bind(y));
        },
        how);
    return y.to_vector();
  };
  EXPECT_EQ(order_of(0), counted_up<int>(64));
  EXPECT_NE(order_of(1), order_of(0));
  EXPECT_NE(order_of(1), order_of(2));
}
#endif

// ---- queues

__global__ void times_and_plus(global<int> y, int factor, int summand) {
  y[0] = y[0] * factor + summand;
}

KERNEL_TEST(stream, runs_in_order) {
  auto y = on_device(std::vector<int>{1}, "y");
  stream turn(this_device());
  const std::vector<int> five{5};
  launch(times_and_plus, dim3(1), dim3(1), 0, turn, bind(y), 10, 3);
  y.copy_from(five, turn);
  launch(times_and_plus, dim3(1), dim3(1), 0, turn, bind(y), 2, 1);
  launch(times_and_plus, dim3(1), dim3(1), 0, turn, bind(y), 3, 0);
  std::vector<int> result{0};
  y.copy_to(result, turn);
  turn.synchronize();
  EXPECT_EQ(result[0], 33);
}

KERNEL_TEST(stream, events_order_what_different_streams_do) {
  auto y = on_device(std::vector<int>{1}, "y");
  stream first(this_device()), second(this_device());
  optimized::event done(this_device());
  launch(times_and_plus, dim3(1), dim3(1), 0, first, bind(y), 10, 3);
  first.record(done);
  second.wait(done);
  launch(times_and_plus, dim3(1), dim3(1), 0, second, bind(y), 2, 1);
  second.synchronize();
  EXPECT_EQ(y.to_vector()[0], 27);
  done.synchronize();
}

#if !defined(__CUDACC__)
// Nothing runs before somebody waits for it, so that a missing wait shows.
KERNEL_TEST(stream, puts_work_off_until_somebody_waits) {
  auto y = on_device(std::vector<int>{1}, "y");
  stream first(this_device()), second(this_device());
  launch(times_and_plus, dim3(1), dim3(1), 0, first, bind(y), 10, 3);
  launch(times_and_plus, dim3(1), dim3(1), 0, second, bind(y), 2, 1);
  EXPECT_EQ(*y.data(), 1);
  second.synchronize();
  EXPECT_EQ(*y.data(), 3);  // no event made it wait for the first
  first.synchronize();
  EXPECT_EQ(*y.data(), 33);
}

__global__ void stop() { __trap(); }

KERNEL_TEST(stream, tells_whoever_waits_what_went_wrong_and_drops_the_rest) {
  auto y = on_device(std::vector<int>{1}, "y");
  stream turn(this_device());
  launch(times_and_plus, dim3(1), dim3(1), 0, turn, bind(y), 2, 0);
  launch(stop, dim3(1), dim3(1), 0, turn);
  launch(times_and_plus, dim3(1), dim3(1), 0, turn, bind(y), 0, 0);
  EXPECT_THROW(turn.synchronize(), error);
  EXPECT_NO_THROW(turn.synchronize());
  EXPECT_EQ(y.to_vector()[0], 2);
}
#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test
