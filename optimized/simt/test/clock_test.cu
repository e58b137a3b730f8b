// The sanitizers' clock starts again long before it overflows, between any two blocks; nothing that
// was noted before may be taken for something of the new time.
#include "optimized/simt/test/kernel_test.cuh"

#if defined(ASSAY_SANITIZED)
#include "optimized/simt/emulator/sanitizer/sanitizer.hpp"

namespace assay::simt::inline ASSAY_BUILD::test {

template <bool WritesAlways>
__global__ void reverse_by_blocks(global<int> y) {
  __shared__ array<int, 32> fixed;
  const shared<int> dynamic = dynamic_shared<int>(0, 32);
  const int i = static_cast<int>(threadIdx.x);
  if (WritesAlways || blockIdx.x == 0) fixed[i] = i;
  if (WritesAlways || blockIdx.x == 0) dynamic[i] = i;
  __syncthreads();
  y[64 * static_cast<int>(blockIdx.x) + i] = fixed[31 - i];         // line: read of the array
  y[64 * static_cast<int>(blockIdx.x) + 32 + i] = dynamic[31 - i];  // line: read of dynamic memory
}

namespace {

// The clock reaches its limit in block 0 of two.
outcome run_over_the_limit(void (*kernel)(global<int>)) {
  buffer<int> y(this_device(), 128, "y");
  return run([&](stream& turn) {
    launch(kernel, dim3(2), dim3(32), 128, turn, bind(y));
    the_sanitizer().set_clock(k_clock_limit - 2);
    turn.synchronize();
    EXPECT_LT(the_sanitizer().now(), k_clock_limit) << "it has not started again";
  });
}

}  // namespace

KERNEL_TEST(racecheck, sees_no_races_with_blocks_before_the_clock_started_again) {
  const outcome result = run_over_the_limit(reverse_by_blocks<true>);
  EXPECT_TRUE(result.findings.empty()) << text_of(result.findings);
}

KERNEL_TEST(initcheck, takes_nothing_as_written_that_was_before_the_clock_started_again) {
  const outcome result = run_over_the_limit(reverse_by_blocks<false>);
  ASSERT_EQ(result.findings.size(), 2u) << text_of(result.findings);
  for (const finding& found : result.findings) {
    EXPECT_EQ(found.kind, tool::initcheck) << to_string(found);
    EXPECT_EQ(found.block, (coordinates{1, 0, 0})) << to_string(found);
  }
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
#endif
