// One launch of a kernel, its arguments erased.
#pragma once

#include "optimized/simt/backend.hpp"
#include "optimized/simt/emulation.hpp"
#include "optimized/simt/vector_types.cuh"

#include <chrono>
#include <cstddef>
#include <memory>

namespace assay::simt::inline ASSAY_BUILD {

struct launch_description {
  void (*invoke)(const void* arguments) = nullptr;
  std::shared_ptr<const void> arguments;
  const void* kernel = nullptr;  // its address, for its name
  dim3 grid;
  dim3 block;
  std::size_t dynamic_shared_bytes = 0;
  emulation options;
  std::chrono::steady_clock::time_point deadline;  // of this run; far away where there is none
};

// Checks the configuration as CUDA does, and queues the launch. Throws error.
void enqueue(queue& stream, launch_description launch);

// The kernel's name without namespaces and parameters, or "kernel at ADDRESS".
std::string kernel_name(const void* kernel);

}  // namespace assay::simt::inline ASSAY_BUILD
