// racecheck: what fences and atomics order, in a block and between blocks (PTX, memory consistency
// model: release and acquire patterns).
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {

enum class fence { none, block, device, block_then_device };

template <fence Which>
SIMT_DEVICE void fence_as() {
  if (Which == fence::block || Which == fence::block_then_device) __threadfence_block();
  if (Which == fence::device || Which == fence::block_then_device) __threadfence();
}

// The last block to finish sums up what the others left (CUDA's threadFenceReduction).
template <fence Before, fence After>
__global__ void last_block_sums(global<int> parts, global<unsigned> done, global<int> y) {
  if (threadIdx.x != 0) return;
  parts[blockIdx.x] = static_cast<int>(blockIdx.x) + 1;  // line: part
  fence_as<Before>();
  if (atomicAdd(&done[0], 1u) != gridDim.x - 1) return;
  fence_as<After>();
  int sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) sum += parts[b];  // line: sum
  y[0] = sum;
}

KERNEL_TEST(racecheck, takes_fences_around_an_atomic_as_order_between_blocks) {
  buffer<int> parts(this_device(), 5, "parts"), y(this_device(), 1, "y");
  const auto five_blocks = [&](auto kernel) {
    return [&, kernel](stream& turn) {
      auto done = std::make_shared<buffer<unsigned>>(on_device(std::vector<unsigned>{0}));
      launch(kernel, dim3(5), dim3(32), 0, turn, bind(parts), bind(*done), bind(y));
      turn.synchronize();
    };
  };
  const expected_finding expected{.kind = tool::racecheck, .line = "sum", .other_line = "part"};
  run_clean(five_blocks(last_block_sums<fence::device, fence::device>));
  EXPECT_EQ(y.to_vector()[0], 15);
  run_broken(five_blocks(last_block_sums<fence::none, fence::none>), expected);
  run_broken(five_blocks(last_block_sums<fence::device, fence::none>), expected);
  run_broken(five_blocks(last_block_sums<fence::none, fence::device>), expected);
  // A fence for the block on either side is none for the others.
  run_broken(five_blocks(last_block_sums<fence::block, fence::device>), expected);
  run_broken(five_blocks(last_block_sums<fence::device, fence::block>), expected);
  run_broken(five_blocks(last_block_sums<fence::block, fence::block>), expected);
  // A wider fence that follows makes up for it.
  run_clean(five_blocks(last_block_sums<fence::device, fence::block_then_device>));
}

// One warp waits for the other.
template <fence Before, fence After>
__global__ void pass_to_the_other_warp(global<int> y) {
  __shared__ array<int, 1> value;
  __shared__ array<int, 1> flag;
  if (threadIdx.x == 0) flag[0] = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    value[0] = 7;  // line: value
    fence_as<Before>();
    atomicExch(&flag[0], 1);
  }
  if (threadIdx.x == 32) {
    while (atomicAdd(&flag[0], 0) == 0) {
    }
    fence_as<After>();
    y[0] = value[0];  // line: use of the value
  }
}

KERNEL_TEST(racecheck, takes_fences_around_an_atomic_as_order_in_a_block) {
  buffer<int> y(this_device(), 1, "y");
  run_clean(two_warps(pass_to_the_other_warp<fence::block, fence::block>, bind(y)));
  run_clean(two_warps(pass_to_the_other_warp<fence::device, fence::block>, bind(y)));
  run_clean(two_warps(pass_to_the_other_warp<fence::block, fence::device>, bind(y)));
  run_clean(two_warps(pass_to_the_other_warp<fence::device, fence::device>, bind(y)));
  EXPECT_EQ(y.to_vector()[0], 7);
  const expected_finding expected{
      .kind = tool::racecheck, .line = "use of the value", .other_line = "value"};
  run_broken(two_warps(pass_to_the_other_warp<fence::block, fence::none>, bind(y)), expected);
  run_broken(two_warps(pass_to_the_other_warp<fence::none, fence::block>, bind(y)), expected);
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
