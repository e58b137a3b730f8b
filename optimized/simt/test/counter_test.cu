// The sanitized emulator's counters against hand calculation. (In the other builds the kernels'
// results are tested.) What is counted how: optimized/simt/README.md.
#include "optimized/simt/test/counter_kernels.cuh"
#include "optimized/simt/test/kernel_test.cuh"

#include <ostream>

namespace assay::simt {

inline void PrintTo(const counters& c, std::ostream* out) {
  *out << "\n  global loads " << c.global_loads << " (" << c.global_load_bytes << " bytes, "
       << c.global_load_sectors << " sectors)\n  global stores " << c.global_stores << " ("
       << c.global_store_bytes << " bytes, " << c.global_store_sectors
       << " sectors)\n  global atomics " << c.global_atomics << " (" << c.global_atomic_bytes
       << " bytes, " << c.global_atomic_sectors << " sectors)\n  shared accesses "
       << c.shared_accesses << " (" << c.shared_wavefronts << " wavefronts, "
       << c.shared_bank_conflicts << " conflicts)\n  shared atomics " << c.shared_atomics
       << "\n  tensor core " << c.tensor_core_flops << "\n  barriers " << c.barriers
       << "\n  collectives " << c.collectives << "\n";
}

inline namespace ASSAY_BUILD {
namespace test {
namespace {

constexpr counters k_nothing{};

template <class Launch>
void expect_counted(const counters& expected, Launch launch_on) {
  const counters counted = run_clean(launch_on);
  EXPECT_EQ(counted, k_is_sanitized ? expected : k_nothing);
}

}  // namespace

KERNEL_TEST(counters, of_a_copy) {
  constexpr int k_n = 1000;
  auto x = on_device(counted_up<float>(k_n), "x");
  buffer<float> y(this_device(), k_n, "y");
  // 1000 threads in warps of 32: 31 full ones and one of 8 lanes, one load and one store each. 4
  // bytes a lane; 32 lanes touch 128 bytes = 4 sectors, 8 lanes 1 sector: 31 * 4 + 1 = 125.
  expect_counted({.global_loads = 32,
                  .global_load_bytes = 4000,
                  .global_load_sectors = 125,
                  .global_stores = 32,
                  .global_store_bytes = 4000,
                  .global_store_sectors = 125},
                 [&](stream& turn) {
                   launch(copy_words, dim3(4), dim3(256), 0, turn, bind(std::as_const(x)), bind(y),
                          k_n);
                 });
  EXPECT_EQ(y.to_vector(), x.to_vector());
}

KERNEL_TEST(counters, of_a_copy_by_vectors) {
  constexpr int k_n = 1024;
  auto x = on_device(counted_up<float>(k_n), "x");
  buffer<float> y(this_device(), k_n, "y");
  // 256 threads of 16 bytes: 8 warps, each 512 bytes = 16 sectors.
  expect_counted({.global_loads = 8,
                  .global_load_bytes = 4096,
                  .global_load_sectors = 128,
                  .global_stores = 8,
                  .global_store_bytes = 4096,
                  .global_store_sectors = 128},
                 [&](stream& turn) {
                   launch(copy_vectors, dim3(1), dim3(256), 0, turn, bind(std::as_const(x)),
                          bind(y), k_n);
                 });
  EXPECT_EQ(y.to_vector(), x.to_vector());
}

KERNEL_TEST(counters, of_a_strided_copy) {
  auto x = on_device(counted_up<float>(32 * 8), "x");
  buffer<float> y(this_device(), 32, "y");
  const auto copy = [&](int stride) {
    return [&, stride](stream& turn) {
      launch(copy_strided, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)), bind(y), stride);
    };
  };
  counters expected{.global_loads = 1,
                    .global_load_bytes = 128,
                    .global_load_sectors = 0,
                    .global_stores = 1,
                    .global_store_bytes = 128,
                    .global_store_sectors = 4};
  // A stride of 8 floats is 32 bytes: every lane has a sector of its own. 3 floats: the lanes span
  // (31 * 3 + 1) * 4 = 376 bytes, gaps of 8 bytes leave no sector out: 12 sectors. 0: all in one.
  expected.global_load_sectors = 32;
  expect_counted(expected, copy(8));
  expected.global_load_sectors = 12;
  expect_counted(expected, copy(3));
  expected.global_load_sectors = 1;
  expect_counted(expected, copy(0));
  EXPECT_EQ(y.to_vector()[31], 0);
}

KERNEL_TEST(counters, of_an_offset_copy) {
  auto x = on_device(counted_up<float>(40), "x");
  buffer<float> y(this_device(), 32, "y");
  // Bytes 4 to 131: sectors 0 to 4.
  expect_counted({.global_loads = 1,
                  .global_load_bytes = 128,
                  .global_load_sectors = 5,
                  .global_stores = 1,
                  .global_store_bytes = 128,
                  .global_store_sectors = 4},
                 [&](stream& turn) {
                   launch(copy_strided, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)) + 1,
                          bind(y), 1);
                 });
}

KERNEL_TEST(counters, of_a_transposition_with_and_without_padding) {
  auto x = on_device(counted_up<float>(1024), "x");
  buffer<float> y(this_device(), 1024, "y");
  const auto transposition = [&](auto kernel) {
    return [&, kernel](stream& turn) {
      launch(kernel, dim3(1), dim3(32, 8), 0, turn, bind(std::as_const(x)), bind(y));
    };
  };
  // 8 warps, 4 rows each: 32 loads and 32 stores of 128 bytes = 4 sectors, 32 writes of a row of
  // the tile and 32 reads of a column. A row lies in 32 different banks: 1 wavefront. In a column
  // without padding all 32 words, 32 words apart, are in one bank: 32 wavefronts. With rows of 33
  // words they are in 32 banks: 1.
  counters expected{.global_loads = 32,
                    .global_load_bytes = 4096,
                    .global_load_sectors = 128,
                    .global_stores = 32,
                    .global_store_bytes = 4096,
                    .global_store_sectors = 128,
                    .shared_accesses = 64,
                    .shared_wavefronts = 32 + 32 * 32,
                    .shared_bank_conflicts = 32 * 31,
                    .barriers = 1};
  expect_counted(expected, transposition(transpose<0>));
  EXPECT_EQ(y.to_vector()[1], 32);
  expected.shared_wavefronts = 64;
  expected.shared_bank_conflicts = 0;
  expect_counted(expected, transposition(transpose<1>));
  EXPECT_EQ(y.to_vector()[33], 33);
  // Rows of 34 words: columns of a lane and of the lane 16 further on share a bank: 2 wavefronts.
  expected.shared_wavefronts = 32 + 32 * 2;
  expected.shared_bank_conflicts = 32;
  expect_counted(expected, transposition(transpose<2>));
}

KERNEL_TEST(counters, of_a_reduction) {
  auto x = on_device(counted_up<float>(256), "x");
  buffer<float> y(this_device(), 1, "y");
  // 8 warps load 4 sectors each and shuffle 5 times. One lane of each writes its part (8 writes);
  // lane 0 reads 7 parts, one after the other, and stores 4 bytes.
  expect_counted({.global_loads = 8,
                  .global_load_bytes = 1024,
                  .global_load_sectors = 32,
                  .global_stores = 1,
                  .global_store_bytes = 4,
                  .global_store_sectors = 1,
                  .shared_accesses = 15,
                  .shared_wavefronts = 15,
                  .barriers = 1,
                  .collectives = 40},
                 [&](stream& turn) {
                   launch(reduce, dim3(1), dim3(256), 0, turn, bind(std::as_const(x)), bind(y));
                 });
  EXPECT_EQ(y.to_vector()[0], 255 * 128);
}

KERNEL_TEST(counters, of_a_tile_on_the_tensor_core) {
  std::vector<bf16> ones(256, to_bf16(1));
  auto a = on_device(ones, "a");
  auto b = on_device(std::vector<bf16>(128, to_bf16(1)), "b");
  buffer<float> d(this_device(), 128, "d");
  // A is 512 bytes = 16 sectors, B 256 = 8, in one cp.async instruction each. Shared memory: the
  // cp.async of A writes 512 bytes = 4 wavefronts, that of B 2. ldmatrix reads 16 bytes a row, 8
  // rows a wavefront at best; the rows are 32 bytes apart, so that rows 4 apart share their banks:
  // 2 wavefronts for each matrix. A: 4 matrices, 8 wavefronts, 4 of them conflicts. B: lanes 16 to
  // 31 repeat the addresses of 0 to 15, which are not used: 2 matrices, 4 wavefronts, 2 of them
  // conflicts. D: rows of 32 bytes, one sector each, 8 rows by one store. mma: 2 * 16 * 8 * 16
  // FLOPs. Collectives: __syncwarp, 2 ldmatrix, mma.
  expect_counted({.global_loads = 2,
                  .global_load_bytes = 768,
                  .global_load_sectors = 24,
                  .global_stores = 2,
                  .global_store_bytes = 512,
                  .global_store_sectors = 16,
                  .shared_accesses = 4,
                  .shared_wavefronts = 4 + 2 + 8 + 4,
                  .shared_bank_conflicts = 4 + 2,
                  .tensor_core_flops = 4096,
                  .collectives = 4},
                 [&](stream& turn) {
                   launch(multiply_tile<bf16>, dim3(1), dim3(32), 0, turn, bind(std::as_const(a)),
                          bind(std::as_const(b)), bind(d));
                 });
  EXPECT_EQ(d.to_vector(), std::vector<float>(128, 16));
}

// Lanes that take different ways through a loop: the n-th access from a line is one instruction,
// whichever lanes take part in it.
__global__ void triangle(global<const float> x, global<float> y) {
  const int lane = static_cast<int>(threadIdx.x);
  float sum = 0;
  for (int i = 0; i <= lane; ++i) sum += x[i];
  y[lane] = sum;
}

KERNEL_TEST(counters, of_a_loop_that_lanes_leave_one_after_the_other) {
  auto x = on_device(std::vector<float>(32, 1), "x");
  buffer<float> y(this_device(), 32, "y");
  // The i-th of 32 loads is made by 32 - i lanes, all from one word.
  expect_counted({.global_loads = 32,
                  .global_load_bytes = 4 * 32 * 33 / 2,
                  .global_load_sectors = 32,
                  .global_stores = 1,
                  .global_store_bytes = 128,
                  .global_store_sectors = 4},
                 [&](stream& turn) {
                   launch(triangle, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)), bind(y));
                 });
  EXPECT_EQ(y.to_vector()[31], 32);
}

__global__ void count_atomics(global<int> total) {
  __shared__ array<int, 1> count;
  if (threadIdx.x == 0) count[0] = 0;
  __syncthreads();
  atomicAdd(&count[0], 1);
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(&total[0], count[0]);
}

KERNEL_TEST(counters, of_atomics) {
  auto total = on_device(std::vector<int>{0}, "total");
  // 3 blocks of 2 warps: a shared atomic of each warp, a global one of each block; the shared
  // accesses are the write of 0 and the read of the sum.
  expect_counted(
      {.global_atomics = 3,
       .global_atomic_bytes = 12,
       .global_atomic_sectors = 3,
       .shared_accesses = 6,
       .shared_wavefronts = 6,
       .shared_atomics = 6,
       .barriers = 6},
      [&](stream& turn) { launch(count_atomics, dim3(3), dim3(64), 0, turn, bind(total)); });
  EXPECT_EQ(total.to_vector()[0], 192);
}

__global__ void add_strided(global<int> y, int stride) {
  atomicAdd(&y[static_cast<int>(threadIdx.x) * stride], 1);
}

KERNEL_TEST(counters, of_strided_atomics) {
  auto y = on_device(std::vector<int>(32 * 8, 0), "y");
  // As of a load: 4 bytes a lane; a stride of 8 ints gives every lane a sector, one of 1 makes 4.
  for (const auto& [stride, sectors] : {std::pair{8, 32u}, {1, 4u}, {0, 1u}}) {
    expect_counted(
        {.global_atomics = 1, .global_atomic_bytes = 128, .global_atomic_sectors = sectors},
        [&, s = stride](stream& turn) {
          launch(add_strided, dim3(1), dim3(32), 0, turn, bind(y), s);
        });
  }
}

// One lane copies VALID bytes, the others all of their 16.
__global__ void copy_ragged(global<const int> x, int ragged, int valid) {
  __shared__ array<int, 128> tile;
  const int lane = static_cast<int>(threadIdx.x);
  cp_async<16>(&tile[4 * lane], &x[4 * lane], lane == ragged ? valid : 16);
  cp_async_wait_all();
}

KERNEL_TEST(counters, of_a_copy_with_a_ragged_lane) {
  auto x = on_device(counted_up<int>(128), "x");
  // One instruction. 31 lanes read 16 bytes, one reads fewer; each pair of lanes has a sector. All
  // write 16 bytes, 4 wavefronts. A lane that reads nothing is no part of the load.
  for (const int ragged : {0, 13, 31}) {
    for (const int valid : {0, 4, 6, 12}) {
      SCOPED_TRACE(std::to_string(valid) + " bytes of lane " + std::to_string(ragged));
      expect_counted({.global_loads = 1,
                      .global_load_bytes = static_cast<std::uint64_t>(31 * 16 + valid),
                      .global_load_sectors = 16,
                      .shared_accesses = 1,
                      .shared_wavefronts = 4},
                     [&](stream& turn) {
                       launch(copy_ragged, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)),
                              ragged, valid);
                     });
    }
  }
}

}  // namespace test
}  // namespace ASSAY_BUILD
}  // namespace assay::simt
