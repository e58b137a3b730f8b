// What stops a kernel, or the process: failed assertions, memory that runs out, stacks that do.
#undef NDEBUG  // the assertions of this file are its subject
#include "optimized/simt/emulator/host_sanitizers.hpp"
#include "optimized/simt/test/kernel_test.cuh"

#include <cassert>

#if !defined(__CUDACC__)
#include <sys/resource.h>
#include <unistd.h>
#include <fstream>
#include <thread>

namespace assay::simt::inline ASSAY_BUILD::test {

__global__ void assert_less(int n) {
  __syncthreads();
  assert(static_cast<int>(threadIdx.x) < n);
}

KERNEL_TEST(failure, a_failed_assertion_stops_the_kernel_and_says_where) {
  const auto blocks_of_32 = [](int n) {
    return [n](stream& turn) { launch(assert_less, dim3(2), dim3(32), 0, turn, n); };
  };
  run_clean(blocks_of_32(32));
  const std::string error = run(blocks_of_32(7)).error;
  EXPECT_NE(error.find("kernel assert_less: assertion 'static_cast<int>(threadIdx.x) < n' failed"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("failure_test.cu:"), std::string::npos) << error;
  EXPECT_NE(error.find("in block (0,0,0) thread ("), std::string::npos) << error;
  run_clean(blocks_of_32(32));
}

// Death tests run in a child process.
#if !defined(ASSAY_HOST_ADDRESS_SANITIZER) && !defined(ASSAY_HOST_THREAD_SANITIZER)

__global__ void wait_for_all(global<int> y) {
  __syncthreads();
  y[threadIdx.x] = 1;
}

namespace {

std::size_t bytes_mapped() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// With room for some more stacks of 256 KiB, and not for those of 1024 threads. On a thread of the
// operating system that has none so far.
void run_out_of_mappings() {
  std::string of_many, of_few;
  std::thread([&] {
    buffer<int> y(this_device(), 1024, "y");
    run_clean(one_warp(wait_for_all, bind(y)));
    const rlimit limit{bytes_mapped() + (std::size_t{64} << 20), RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    emulation how;
    how.workers = 1;
    of_many =
        run([&](stream& turn) { launch(wait_for_all, dim3(1), dim3(1024), 0, turn, bind(y)); }, how)
            .error;
    of_few = run(two_warps(wait_for_all, bind(y)), how).error;
  }).join();
  const std::string expected =
      "kernel wait_for_all: emulator: the system gives no more memory mappings";
  if (of_many.find(expected) == std::string::npos) std::fprintf(stderr, "%s\n", of_many.c_str());
  if (!of_few.empty()) std::fprintf(stderr, "%s\n", of_few.c_str());
  std::_Exit(of_many.find(expected) != std::string::npos && of_few.empty() ? 0 : 1);
}

}  // namespace

KERNEL_TEST(failure, running_out_of_stacks_stops_the_kernel_and_not_the_process) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_out_of_mappings(), testing::ExitedWithCode(0), "");
}

// 32 KiB a call, all of which are needed to the end.
[[gnu::noinline]] int descend(global<int> y, int depth) {
  volatile int local[8192] = {};
  local[depth % 8192] = depth;
  return depth == 0 ? y[0] : descend(y, depth - 1) + local[depth % 8192];
}

__global__ void descend_far(global<int> y, int depth) { y[0] = descend(y, depth); }

// A GPU would let the neighbour's memory be overwritten, or stop. Here a page that nobody may touch
// lies below each stack: the process dies of it, and says who it was.
KERNEL_TEST(failure, a_stack_overflow_is_told_before_the_process_dies_of_it) {
  auto y = on_device(std::vector<int>{0}, "y");
  const auto with_depth = [&](int depth) {
    return [&y, depth](stream& turn) {
      launch(descend_far, dim3(1), dim3(1), 0, turn, bind(y), depth);
    };
  };
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  run_clean(with_depth(5));
  EXPECT_EXIT(run(with_depth(100)), testing::KilledBySignal(SIGSEGV),
              "a CUDA thread overflowed its stack of 256 KiB on the emulator: descend_far, block "
              "\\(0,0,0\\) thread \\(0,0,0\\)");
}

#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test
#endif
