// Where the running CUDA thread stands: what threadIdx, blockIdx, blockDim and gridDim read.
#pragma once

#include "optimized/simt/vector_types.cuh"

#include <cstdint>

namespace assay::simt::inline ASSAY_BUILD {

struct thread_coordinates {
  uint3 index{};
  std::uint16_t rank = 0;  // in the block, x fastest
  std::uint16_t lane = 0;  // rank % 32
};

struct block_coordinates {
  uint3 index{};
  dim3 size;
  dim3 grid;
};

// One per operating system thread, which runs one CUDA thread at a time. Both are null outside of
// kernels.
struct place {
  thread_coordinates* thread;
  block_coordinates* block;
};
extern constinit thread_local place here;

}  // namespace assay::simt::inline ASSAY_BUILD
