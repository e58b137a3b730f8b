// Grids, blocks, warps, shared memory, barriers.
#include "optimized/simt/test/kernel_test.cuh"

#include <numeric>

namespace assay::simt::inline ASSAY_BUILD::test {

__global__ void where_am_i(global<uint4> y) {
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned rank = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  y[block * threads + rank] =
      make_uint4(blockIdx.x << 16 | threadIdx.x, blockIdx.y << 16 | threadIdx.y,
                 blockIdx.z << 16 | threadIdx.z, rank);
}

KERNEL_TEST(execution, every_thread_of_a_grid_runs_once_and_knows_its_place) {
  const std::pair<dim3, dim3> shapes[] = {{dim3(1), dim3(1)},
                                          {dim3(3, 2, 4), dim3(5, 3, 2)},
                                          {dim3(7), dim3(1024)},
                                          {dim3(2, 1, 3), dim3(4, 4, 64)}};
  for (const auto& [grid, size] : shapes) {
    const std::size_t n = std::size_t{1} * grid.x * grid.y * grid.z * size.x * size.y * size.z;
    auto y = on_device(std::vector<uint4>(n, make_uint4(~0u, 0, 0, 0)), "y");
    run_clean(
        [&, g = grid, s = size](stream& turn) { launch(where_am_i, g, s, 0, turn, bind(y)); });
    const auto got = y.to_vector();
    std::size_t i = 0;
    for (unsigned bz = 0; bz < grid.z; ++bz) {
      for (unsigned by = 0; by < grid.y; ++by) {
        for (unsigned bx = 0; bx < grid.x; ++bx) {
          for (unsigned rank = 0; rank < size.x * size.y * size.z; ++rank, ++i) {
            ASSERT_EQ(got[i].x, bx << 16 | rank % size.x);
            ASSERT_EQ(got[i].y, by << 16 | rank / size.x % size.y);
            ASSERT_EQ(got[i].z, bz << 16 | rank / (size.x * size.y));
            ASSERT_EQ(got[i].w, rank);
          }
        }
      }
    }
  }
}

KERNEL_TEST(execution, refuses_what_cuda_refuses) {
  auto y = on_device(std::vector<uint4>(4), "y");
  stream turn(this_device());
  const auto with = [&](dim3 grid, dim3 block, std::size_t bytes) {
    launch(where_am_i, grid, block, bytes, turn, bind(y));
  };
  EXPECT_THROW(with(dim3(1), dim3(1025), 0), error);
  EXPECT_THROW(with(dim3(1), dim3(32, 33), 0), error);
  EXPECT_THROW(with(dim3(1), dim3(1, 1, 65), 0), error);
  EXPECT_THROW(with(dim3(1), dim3(0), 0), error);
  EXPECT_THROW(with(dim3(0), dim3(1), 0), error);
  EXPECT_THROW(with(dim3(1, 65536), dim3(1), 0), error);
  EXPECT_THROW(with(dim3(1), dim3(1), 228 * 1024), error);
  EXPECT_NO_THROW(with(dim3(1), dim3(1), 0));
  turn.synchronize();
}

// A sum over the block by halving, in a tile of 2 rows: 10 barriers.
__global__ void sum_by_halving(global<int> y) {
  __shared__ array<int, 2, 512> part;
  const int i = static_cast<int>(threadIdx.x), n = static_cast<int>(blockDim.x);
  part[i / 512][i % 512] = i;
  for (int half = n / 2; half > 0; half /= 2) {
    __syncthreads();
    if (i < half) part[i / 512][i % 512] += part[(i + half) / 512][(i + half) % 512];
  }
  if (i == 0) y[blockIdx.x] = part[0][0];
}

KERNEL_TEST(execution, a_block_of_1024_threads_sums_by_halving) {
  buffer<int> y(this_device(), 5, "y");
  run_clean([&](stream& turn) { launch(sum_by_halving, dim3(5), dim3(1024), 0, turn, bind(y)); });
  EXPECT_EQ(y.to_vector(), std::vector<int>(5, 1023 * 512));
}

template <int Which>
SIMT_DEVICE shared<int> array_of() {
  __shared__ array<int, 64> same_line_other_template;
  return same_line_other_template;
}

__global__ void many_arrays(global<int> y) {
  __shared__ array<int, 64> a;
  __shared__ array<int, 64> b;
  const shared<int> c = array_of<1>(), d = array_of<2>();
  const shared<int> e = dynamic_shared<int>(0, 64), f = dynamic_shared<int>(256, 64);
  const int i = static_cast<int>(threadIdx.x);
  a[i] = 1, b[i] = 2, c[i] = 3, d[i] = 4, e[i] = 5, f[i] = 6;
  __syncthreads();
  const int j = 63 - i;
  y[i] = a[j] + 10 * b[j] + 100 * c[j] + 1000 * d[j] + 10000 * e[j] + 100000 * f[j];
}

KERNEL_TEST(execution, shared_arrays_static_and_dynamic_lie_apart) {
  buffer<int> y(this_device(), 64, "y");
  run_clean([&](stream& turn) { launch(many_arrays, dim3(1), dim3(64), 512, turn, bind(y)); });
  EXPECT_EQ(y.to_vector(), std::vector<int>(64, 654321));
}

// What lies in a loop, or in a function that is called twice, is one array.
__global__ void one_array_many_times(global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  const shared<int> first = array_of<3>(), second = array_of<3>();
  for (int round = 0; round < 3; ++round) {
    __shared__ array<int, 32> in_a_loop;
    if (round == 0) in_a_loop[i] = i;
    if (round == 2) first[i] = in_a_loop[i];
    __syncthreads();
  }
  y[i] = second[31 - i];
}

KERNEL_TEST(execution, a_shared_array_is_declared_at_one_place_in_the_source) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(one_array_many_times, bind(y)));
  EXPECT_EQ(y.to_vector()[0], 31);
}

#if !defined(__CUDACC__)
#define TWO_ARRAYS(first, second, n) \
  __shared__ array<int, 32> first;   \
  __shared__ array<int, n> second

// Each array is found by its place in the source, and all of a macro stands at one place.
template <int N>
__global__ void two_arrays_of_one_macro(global<int> y) {
  TWO_ARRAYS(first, second, N);
  first[threadIdx.x] = 1;
  second[threadIdx.x] = 2;
  y[threadIdx.x] = first[threadIdx.x];
}

KERNEL_TEST(execution, two_shared_arrays_of_one_macro_are_refused) {
  buffer<int> y(this_device(), 32, "y");
  const std::string of_two_sizes = run(one_warp(two_arrays_of_one_macro<64>, bind(y))).error;
  EXPECT_NE(of_two_sizes.find("two __shared__ arrays are declared at "), std::string::npos)
      << of_two_sizes;
  if (!k_is_sanitized) return;  // the fast build does not know which arrays live
  const std::string alike = run(one_warp(two_arrays_of_one_macro<32>, bind(y))).error;
  EXPECT_NE(alike.find("two __shared__ arrays are declared at "), std::string::npos) << alike;
}
#endif

__global__ void static_and_dynamic(global<int> y, int n) {
  __shared__ array<int, 10 * 1024> fixed;
  const shared<int> dynamic = dynamic_shared<int>(0, static_cast<std::size_t>(n));
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) {
    fixed[i] = i;
    dynamic[i] = -i;
  }
  __syncthreads();
  if (threadIdx.x == 0) y[0] = fixed[n - 1] - dynamic[n - 1];
}

// 40 KiB of each: neither alone needs CUDA's permission, both together do.
KERNEL_TEST(execution, static_and_dynamic_shared_memory_can_exceed_48_kilobytes_together) {
  buffer<int> y(this_device(), 1, "y");
  constexpr int k_n = 10 * 1024;
  run_clean([&](stream& turn) {
    launch(static_and_dynamic, dim3(1), dim3(256), 4 * k_n, turn, bind(y), k_n);
  });
  EXPECT_EQ(y.to_vector()[0], 2 * (k_n - 1));
}

__global__ void large_dynamic(global<int> y, int n) {
  const shared<int> all = dynamic_shared<int>(0, static_cast<std::size_t>(n));
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) all[i] = i;
  __syncthreads();
  if (threadIdx.x == 0) y[0] = all[n - 1];
}

KERNEL_TEST(execution, a_block_has_227_kilobytes_of_shared_memory) {
  buffer<int> y(this_device(), 1, "y");
  constexpr int k_n = 227 * 1024 / 4;
  run_clean([&](stream& turn) {
    launch(large_dynamic, dim3(1), dim3(256), 4 * k_n, turn, bind(y), k_n);
  });
  EXPECT_EQ(y.to_vector()[0], k_n - 1);
}

__global__ void counting_barriers(global<int> y) {
  const int i = static_cast<int>(threadIdx.x);
  y[3 * i] = __syncthreads_count(i % 3 == 0);
  y[3 * i + 1] = __syncthreads_and(i < 95) + 2 * __syncthreads_and(i < 96);
  y[3 * i + 2] = __syncthreads_or(i == 95) + 2 * __syncthreads_or(i == 96);
}

KERNEL_TEST(execution, barriers_count_and_vote) {
  buffer<int> y(this_device(), 3 * 96, "y");
  run_clean([&](stream& turn) { launch(counting_barriers, dim3(1), dim3(96), 0, turn, bind(y)); });
  const auto got = y.to_vector();
  for (std::size_t i = 0; i < 96; ++i) {
    EXPECT_EQ(got[3 * i], 32);
    EXPECT_EQ(got[3 * i + 1], 2);
    EXPECT_EQ(got[3 * i + 2], 1);
  }
}

// Two pairs of warps, each with a named barrier of its own, meet a different number of times; a
// ring of two places between a producer and a consumer.
__global__ void ring_of_two(global<int> y, int rounds) {
  __shared__ array<int, 2, 32> ring;
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  for (int i = 0; i < rounds; ++i) {
    const int full = 1 + i % 2, empty = 3 + i % 2;
    if (warp == 0) {
      if (i >= 2) barrier_sync(empty, 64);  // the consumer is done with what stood here
      ring[i % 2][lane] = 100 * i + lane;
      barrier_arrive(full, 64);
    } else {
      barrier_sync(full, 64);
      y[32 * i + lane] = ring[i % 2][31 - lane];
      if (i + 2 < rounds) barrier_arrive(empty, 64);
    }
  }
}

KERNEL_TEST(execution, named_barriers_let_a_producer_run_ahead_of_a_consumer) {
  buffer<int> y(this_device(), 32 * 7, "y");
  run_clean([&](stream& turn) { launch(ring_of_two, dim3(1), dim3(64), 0, turn, bind(y), 7); });
  const auto got = y.to_vector();
  for (int i = 0; i < 7; ++i) {
    for (int lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(got[static_cast<std::size_t>(32 * i + lane)], 100 * i + 31 - lane);
    }
  }
}

#if !defined(__CUDACC__)
__global__ void wrong_barrier(int number, int threads) { barrier_sync(number, threads); }

KERNEL_TEST(execution, refuses_a_named_barrier_that_there_cannot_be) {
  for (const auto& [number, threads] : {std::pair{0, 32}, {16, 32}, {1, 33}, {1, 0}, {1, 2048}}) {
    const outcome result = run([&, n = number, t = threads](stream& turn) {
      launch(wrong_barrier, dim3(1), dim3(32), 0, turn, n, t);
    });
    EXPECT_NE(result.error.find("named barrier"), std::string::npos) << result.error;
  }
}

__global__ void assert_small(int n) {
  if (static_cast<int>(threadIdx.x) == n) __trap();
}

KERNEL_TEST(execution, a_trap_stops_the_kernel_and_says_where) {
  const outcome result =
      run([&](stream& turn) { launch(assert_small, dim3(2), dim3(32), 0, turn, 5); });
  EXPECT_NE(result.error.find("kernel assert_small: __trap() at "), std::string::npos)
      << result.error;
  EXPECT_NE(result.error.find("in block (0,0,0) thread (5,0,0)"), std::string::npos)
      << result.error;
}

// Only these blocks run, and they are numbered as in the whole grid.
KERNEL_TEST(execution, a_range_of_blocks_can_run_alone) {
  auto y = on_device(std::vector<uint4>(6 * 32, make_uint4(7, 7, 7, 7)), "y");
  emulation how;
  how.blocks = {2, 4};
  run_clean([&](stream& turn) { launch(where_am_i, dim3(3, 2), dim3(32), 0, turn, bind(y)); }, how);
  const auto got = y.to_vector();
  EXPECT_EQ(got[1 * 32].w, 7u);
  EXPECT_EQ(got[2 * 32].x, 2u << 16);
  EXPECT_EQ(got[3 * 32].y, 1u << 16);
  EXPECT_EQ(got[4 * 32].w, 7u);
}
#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test
