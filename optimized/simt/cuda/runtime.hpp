// The CUDA runtime with every call checked, and streams as queues.
#pragma once

#include "optimized/simt/backend.hpp"

#include <cuda_runtime.h>

#include <string>

namespace assay::simt::cuda {

// Throws error for anything but cudaSuccess.
void check(cudaError_t status, const std::string& where);

// Makes a device current for as long as it lives.
class current_device {
 public:
  explicit current_device(int ordinal);
  ~current_device();
  current_device(const current_device&) = delete;
  current_device& operator=(const current_device&) = delete;

 private:
  int previous_ = 0;
};

// The stream behind a queue; throws error, naming WHAT, when it is no CUDA queue.
cudaStream_t stream_of(queue& q, const std::string& what);
int ordinal_of(const queue& q);

std::string kernel_name(const void* kernel);

// Lets a kernel have so many bytes of dynamic shared memory, or as many as it was ever allowed: a
// graph may hold an earlier launch. For the device that is current.
void allow_shared_memory(const void* kernel, std::size_t bytes, int ordinal,
                         const std::string& what);

}  // namespace assay::simt::cuda
