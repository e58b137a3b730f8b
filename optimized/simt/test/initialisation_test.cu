// initcheck: reads of memory that nothing has written.
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {

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

__global__ void read_a_value(global<const int> x, global<int> y) {
  y[0] = x[0];  // line: plain read
}

KERNEL_TEST(initcheck, sees_a_read_of_global_memory_that_nobody_wrote) {
  buffer<int> x(this_device(), 1, "x"), y(this_device(), 1, "y");
  const auto read = [&](stream& turn) {
    launch(read_a_value, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
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

// A copy on the device brings along that nothing was written.
KERNEL_TEST(initcheck, knows_what_a_copy_on_the_device_has_copied) {
  constexpr std::size_t k_n = 3000;  // of 4 bytes: three pages of shadow
  buffer<int> x(this_device(), k_n, "x"), y(this_device(), 1, "y");
  auto z = on_device(counted_up<int>(k_n), "z");
  const auto read = [&](std::size_t i) {
    return [&, i](stream& turn) {
      launch(read_a_value, dim3(1), dim3(1), 0, turn, bind(std::as_const(z)) + i, bind(y));
    };
  };
  run_clean(read(5));
  z.copy_from(x);
  run_broken(read(5), {.kind = tool::initcheck, .line = "plain read"});
  run_broken(read(2999), {.kind = tool::initcheck, .line = "plain read"});
  x.where().place().mark_initialised(x.data() + 1000, 4 * 500);
  z.copy_from(x);
  run_broken(read(999), {.kind = tool::initcheck, .line = "plain read"});
  run_clean(read(1000));
  run_clean(read(1499));
  run_broken(read(1500), {.kind = tool::initcheck, .line = "plain read"});
  // By what a kernel has written, too.
  run_clean([&](stream& turn) {
    launch(read_a_value, dim3(1), dim3(1), 0, turn, bind(std::as_const(z)) + 1200, bind(x) + 2000);
  });
  z.copy_from(x);
  run_clean(read(2000));
  run_broken(read(2001), {.kind = tool::initcheck, .line = "plain read"});
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
