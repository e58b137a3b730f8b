// memcheck and initcheck: an access stays inside the extent its pointer was made for, is aligned to
// its size, and reads only what has been written.
#include "optimized/simt/test/kernel_test.cuh"

#include <memory>
#include <type_traits>

namespace assay::simt::inline ASSAY_BUILD::test {
namespace {

template <class Kernel, class... Arguments>
auto one_warp(Kernel kernel, const Arguments&... arguments) {
  return [=](stream& turn) { launch(kernel, dim3(1), dim3(32), 0, turn, arguments...); };
}

}  // namespace

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
KERNEL_TEST(memcheck, lets_a_kernel_go_on_and_harms_nothing) {
  buffer<int> y(this_device(), 32, "y"), neighbour(this_device(), 32, "neighbour");
  const outcome result = run(one_warp(shift_in_shared<1>, bind(y)));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(y.to_vector()[31], -1);
  EXPECT_EQ(y.to_vector()[30], 31);
}

// The types make sure that an input is not written: it is global<const T>.
template <class Pointer>
concept written_through = requires(Pointer p) { p[0] = 1; };
static_assert(!std::is_convertible_v<global<const int>, global<int>>);
static_assert(std::is_convertible_v<global<int>, global<const int>>);
#endif

// ---- initcheck

template <bool IsWritten>
__global__ void sum_shared(global<int> y) {
  __shared__ array<int, 64> all;
  const int i = static_cast<int>(threadIdx.x);
  all[i] = i;
  if (IsWritten) all[i + 32] = i;
  __syncthreads();
  y[i] = all[i] + 1;
  y[i] += all[63 - i];  // line: read of the upper half
}

KERNEL_TEST(initcheck, sees_a_read_of_shared_memory_that_nobody_wrote) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(one_warp(sum_shared<true>, bind(y)));
  EXPECT_EQ(y.to_vector()[0], 32);
  run_broken(one_warp(sum_shared<false>, bind(y)),
             {.kind = tool::initcheck,
              .line = "read of the upper half",
              .message = "read of 4 bytes at offset 128 of the shared array",
              .thread = coordinates{31, 0, 0}});  // who comes to the barrier last goes on first
}

// A block's shared memory is its own: what an earlier block left there is nothing to rely on.
template <bool WritesAlways>
__global__ void read_what_a_block_left(global<int> y) {
  __shared__ array<int, 1> cell;
  if (WritesAlways || blockIdx.x == 0) cell[0] = 5;
  y[blockIdx.x] = cell[0];  // line: read of a leftover
}

KERNEL_TEST(initcheck, sees_a_read_of_what_an_earlier_block_left_in_shared_memory) {
  buffer<int> y(this_device(), 2, "y");
  const auto two_blocks = [&](auto kernel) {
    return [&y, kernel](stream& turn) { launch(kernel, dim3(2), dim3(1), 0, turn, bind(y)); };
  };
  run_clean(two_blocks(read_what_a_block_left<true>));
  run_broken(
      two_blocks(read_what_a_block_left<false>),
      {.kind = tool::initcheck, .line = "read of a leftover", .block = coordinates{1, 0, 0}});
}

KERNEL_TEST(initcheck, sees_a_read_of_global_memory_that_nobody_wrote) {
  buffer<int> x(this_device(), 1, "x"), y(this_device(), 1, "y");
  const auto read = [&](stream& turn) {
    launch(read_first, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
  };
  run_broken(read,
             {.kind = tool::initcheck,
              .line = "plain read",
              .message = "read of 4 bytes at offset 0 of x (4 bytes), which nothing has written"});
  x.copy_from(std::vector<int>{3});
  run_clean(read);
  EXPECT_EQ(y.to_vector()[0], 3);
  x.where().place().mark_uninitialised(x.data(), sizeof(int));
  run_broken(read, {.kind = tool::initcheck, .line = "plain read"});
  x.where().place().mark_initialised(x.data(), sizeof(int));
  run_clean(read);
}

// The half of a word that was written is no excuse for the other.
template <bool IsWhole>
__global__ void read_a_word_of_halves(global<unsigned short> x, global<unsigned> y) {
  x[0] = 1;
  if (IsWhole) x[1] = 2;
  y[0] = view<unsigned>(x)[0];  // line: read of a word
}

KERNEL_TEST(initcheck, knows_every_byte) {
  buffer<unsigned> y(this_device(), 1, "y");
  const auto on_fresh_memory = [&](auto kernel) {
    return [&y, kernel](stream& turn) {
      buffer<unsigned short> x(this_device(), 2, "x");
      launch(kernel, dim3(1), dim3(1), 0, turn, bind(x), bind(y));
      turn.synchronize();
    };
  };
  run_clean(on_fresh_memory(read_a_word_of_halves<true>));
  EXPECT_EQ(y.to_vector()[0], 0x20001u);
  run_broken(on_fresh_memory(read_a_word_of_halves<false>),
             {.kind = tool::initcheck, .line = "read of a word"});
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
