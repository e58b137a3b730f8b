// The main function of simt_gpu_test: exit code 77 where there is no device.
#include "optimized/simt/backend.hpp"

#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (assay::simt::cuda_device_count() == 0) {
    std::fputs("simt_gpu_test: not run: no CUDA device was found\n", stderr);
    return 77;
  }
  return RUN_ALL_TESTS();
}
