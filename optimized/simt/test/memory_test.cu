// memcheck: an access stays inside the extent its pointer was made for, and is aligned to its size.
#include "optimized/simt/test/kernel_test.cuh"

#include <algorithm>
#include <memory>

namespace assay::simt::inline ASSAY_BUILD::test {

template <int Offset>
__global__ void shift_in_shared(global<int> y) {
  __shared__ array<int, 32> all;
  const int i = static_cast<int>(threadIdx.x);
  all[i] = i;
  __syncthreads();
  y[i] = i + Offset < 0 || i == 0 ? 0 : all[i + Offset];  // line: shifted read
}

KERNEL_TEST(memcheck, sees_a_shared_index_that_is_off_by_one) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(shift_in_shared<-1>, bind(y)));
  EXPECT_EQ(y.to_vector()[31], 30);
  run_broken(one_warp(shift_in_shared<1>, bind(y)),
             {.kind = tool::memcheck,
              .line = "shifted read",
              .message = "read of 4 bytes at offset 128 of the shared array",
              .thread = coordinates{31, 0, 0}});
}

template <bool IsGuarded>
__global__ void fill(global<int> y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (IsGuarded && i >= n) return;
  y[i] = i;  // line: write
}

KERNEL_TEST(memcheck, sees_a_write_past_a_buffer) {
  buffer<int> y(this_device(), 40, "y");
  const auto two_blocks = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(2), dim3(32), 0, turn, bind(y), 40); };
  };
  run_clean(two_blocks(fill<true>));
  EXPECT_EQ(y.to_vector(), counted_up<int>(40));
  const outcome result =
      run_broken(two_blocks(fill<false>),
                 {.kind = tool::memcheck,
                  .line = "write",
                  .message = "write of 4 bytes at offset 160 of y (160 bytes), out of bounds",
                  .block = coordinates{1, 0, 0},
                  .thread = coordinates{8, 0, 0}});
  if (!result.findings.empty()) {
    EXPECT_EQ(result.findings[0].count, 24u);  // 40 to 63
  }
}

__global__ void fill_backwards(global<int> y, int last) {
  y[last - static_cast<int>(threadIdx.x)] = 1; /* line: backwards */
}

KERNEL_TEST(memcheck, sees_a_write_before_a_buffer) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(fill_backwards, bind(y), 31));
}

// Two arrays in one allocation, each with an extent of its own.
template <int Count>
__global__ void fill_part(global<int> y) {
  if (static_cast<int>(threadIdx.x) < Count)
    y[static_cast<int>(threadIdx.x)] = 1;  // line: of a part
}

KERNEL_TEST(memcheck, keeps_a_named_extent_apart_from_its_neighbours) {
  buffer<int> y(this_device(), 32, "whole");
  y.where().place().name_extent(y.data() + 8, 16 * sizeof(int), "middle");
  const auto middle = bind<int>(y.data() + 8, 16 * sizeof(int));
  run_clean(one_warp(fill_part<16>, middle));
  run_broken(one_warp(fill_part<17>, middle), {.kind = tool::memcheck,
                                               .line = "of a part",
                                               .message = "offset 64 of middle (64 bytes)",
                                               .thread = coordinates{16, 0, 0}});
}

// A shared array, and a row of one, end where they end, though other shared memory follows.
template <int Count>
__global__ void overrun_a_shared_array(global<int> y) {
  __shared__ array<int, 32> first;
  __shared__ array<int, 32> second;
  const int i = static_cast<int>(threadIdx.x);
  second[i] = 0;
  __syncthreads();
  if (i == 0) {
    for (int j = 0; j < Count; ++j) first[j] = j;  // line: into the neighbour
  }
  __syncthreads();
  y[i] = second[i];
}

KERNEL_TEST(memcheck, sees_one_shared_array_run_into_the_next) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(overrun_a_shared_array<32>, bind(y)));
  run_broken(
      one_warp(overrun_a_shared_array<33>, bind(y)),
      {.kind = tool::memcheck, .line = "into the neighbour", .thread = coordinates{0, 0, 0}});
}

template <int Columns>
__global__ void overrun_a_row(global<int> y) {
  __shared__ array<int, 4, 8> tile;
  const int i = static_cast<int>(threadIdx.x);
  tile[i / 8][i % 8] = i;
  __syncthreads();
  const shared<int> row = tile[1];
  if (i < Columns) y[i] = row[i];  // line: read of a row
}

KERNEL_TEST(memcheck, sees_one_row_of_a_shared_tile_run_into_the_next) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(overrun_a_row<8>, bind(y)));
  EXPECT_EQ(y.to_vector()[3], 11);
  run_broken(one_warp(overrun_a_row<9>, bind(y)), {.kind = tool::memcheck,
                                                   .line = "read of a row",
                                                   .message = "offset 32 of the shared array",
                                                   .thread = coordinates{8, 0, 0}});
}

// A row that there is not: of 4 rows the fifth, of 2 x 2 rows the third of the first two.
template <int Row, int Plane>
__global__ void read_a_row_that_is_not(global<int> y) {
  __shared__ array<int, 4, 8> tile;
  __shared__ array<int, 2, 2, 8> planes;
  const int i = static_cast<int>(threadIdx.x);
  tile[i / 8][i % 8] = i;
  planes[i / 16][i / 8 % 2][i % 8] = i;
  __syncthreads();
  if (i == 9) y[0] = tile[Row][1];                         // line: read of the row
  if (i == 9) y[1] = planes[Plane][1 - Plane / 2 * 2][1];  // line: read of the plane
}

KERNEL_TEST(memcheck, names_the_array_whose_outer_index_is_out_of_range) {
  buffer<int> y(this_device(), 2, "y");
  run_clean(one_warp(read_a_row_that_is_not<3, 1>, bind(y)));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{25, 25}));
  run_broken(one_warp(read_a_row_that_is_not<4, 1>, bind(y)),
             {.kind = tool::memcheck,
              .line = "read of the row",
              .message = "read of 4 bytes at offset 132 of the shared array of ",
              .thread = coordinates{9, 0, 0}});
  run_broken(one_warp(read_a_row_that_is_not<-1, 1>, bind(y)),
             {.kind = tool::memcheck,
              .line = "read of the row",
              .message = "read of 4 bytes at offset -28 of the shared array of "});
  // Back inside with the next index, and yet no row of plane 2.
  run_broken(one_warp(read_a_row_that_is_not<3, 2>, bind(y)),
             {.kind = tool::memcheck,
              .line = "read of the plane",
              .message = "read of 4 bytes at offset 100 of the shared array of "});
}

template <int Count>
__global__ void overrun_a_dynamic_part(global<int> y) {
  const shared<int> first = dynamic_shared<int>(0, 32);
  const shared<int> second = dynamic_shared<int>(32 * sizeof(int), 32);
  const int i = static_cast<int>(threadIdx.x);
  first[i] = 1;
  second[i] = 2;
  __syncthreads();
  y[i] = first[i + Count - 32];  // line: read of a part
}

KERNEL_TEST(memcheck, sees_one_part_of_dynamic_shared_memory_run_into_the_next) {
  buffer<int> y(this_device(), 32, "y");
  const auto with_two_parts = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(1), dim3(32), 256, turn, bind(y)); };
  };
  run_clean(with_two_parts(overrun_a_dynamic_part<32>));
  run_broken(with_two_parts(overrun_a_dynamic_part<33>),
             {.kind = tool::memcheck,
              .line = "read of a part",
              .message = "offset 128 of dynamic shared memory (128 bytes)",
              .thread = coordinates{31, 0, 0}});
}

template <int First>
__global__ void load_a_vector(global<const float> x, global<float> y) {
  const float4 v = view<float4>(x + First)[0];  // line: vector read
  y[0] = v.x + v.w;
}

KERNEL_TEST(memcheck, sees_a_misaligned_vector_access) {
  auto x = on_device(counted_up<float>(16), "x");
  buffer<float> y(this_device(), 1, "y");
  const auto one_thread = [&](auto kernel) {
    return [&, kernel](stream& turn) {
      launch(kernel, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
    };
  };
  run_clean(one_thread(load_a_vector<4>));
  EXPECT_EQ(y.to_vector()[0], 11);
  run_broken(
      one_thread(load_a_vector<5>),
      {.kind = tool::memcheck,
       .line = "vector read",
       .message = "read of 16 bytes at offset 20 of x (64 bytes), which is not a multiple of 16"});
  // Aligned, and half of it outside.
  auto small = on_device(counted_up<float>(18), "small");
  run_broken(
      [&](stream& turn) {
        launch(load_a_vector<16>, dim3(1), dim3(1), 0, turn, bind(std::as_const(small)), bind(y));
      },
      {.kind = tool::memcheck,
       .line = "vector read",
       .message = "read of 16 bytes at offset 64 of small (72 bytes), out of bounds"});
}

__global__ void read_first(global<const int> x, global<int> y) {
  y[0] = x[0];  // line: plain read
}

#if defined(ASSAY_SANITIZED)
KERNEL_TEST(memcheck, sees_an_access_to_freed_memory) {
  buffer<int> y(this_device(), 1, "y");
  auto gone = std::make_unique<buffer<int>>(on_device(std::vector<int>{1}, "gone"));
  const auto x = bind(std::as_const(*gone));
  run_clean([&](stream& turn) { launch(read_first, dim3(1), dim3(1), 0, turn, x, bind(y)); });
  gone.reset();
  run_broken(
      [&](stream& turn) { launch(read_first, dim3(1), dim3(1), 0, turn, x, bind(y)); },
      {.kind = tool::memcheck, .line = "plain read", .message = "in gone, which has been freed"});
}

KERNEL_TEST(memcheck, sees_a_null_pointer) {
  buffer<int> y(this_device(), 1, "y");
  run_broken(
      [&](stream& turn) {
        launch(read_first, dim3(1), dim3(1), 0, turn, global<const int>(nullptr), bind(y));
      },
      {.kind = tool::memcheck, .line = "plain read", .message = "through a null pointer"});
}

KERNEL_TEST(memcheck, sees_a_write_before_a_buffer_too) {
  buffer<int> y(this_device(), 32, "y");
  const outcome result = run(one_warp(fill_backwards, bind(y), 30));
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_NE(result.findings[0].message.find("write of 4 bytes at offset -4 of y"),
            std::string::npos)
      << text_of(result.findings);
  EXPECT_EQ(result.findings[0].thread, (coordinates{31, 0, 0}));
}

// What is read out of bounds is always the same: bytes of ones.
KERNEL_TEST(memcheck, lets_a_kernel_go_on_after_a_read_out_of_bounds) {
  buffer<int> y(this_device(), 32, "y");
  const outcome result = run(one_warp(shift_in_shared<1>, bind(y)));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(y.to_vector()[31], -1);
  EXPECT_EQ(y.to_vector()[30], 31);
}

KERNEL_TEST(memcheck, lets_no_write_out_of_bounds_reach_its_neighbour) {
  auto whole = on_device(std::vector<int>(32, 7), "whole");
  const outcome result =
      run(one_warp(fill_part<20>, bind<int>(whole.data() + 8, 16 * sizeof(int))));
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].count, 4u);
  std::vector<int> expected(32, 7);
  std::fill_n(expected.begin() + 8, 16, 1);
  EXPECT_EQ(whole.to_vector(), expected);
}
#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test
