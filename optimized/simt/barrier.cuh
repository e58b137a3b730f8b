// Barriers of a block, and memory fences.
//
// __syncthreads() and its relatives wait for every thread of the block that has not exited, and
// order all their accesses. A named barrier waits for THREADS threads, a multiple of 32, of which
// those that `arrive` give their accesses to it without waiting: producer and consumer warps.
#pragma once

#include "optimized/simt/build.cuh"

#if defined(__CUDACC__)

namespace assay::simt::inline ASSAY_BUILD {

// PTX: bar.sync, bar.arrive.
SIMT_DEVICE void barrier_sync(int number, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
SIMT_DEVICE void barrier_arrive(int number, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

}  // namespace assay::simt::inline ASSAY_BUILD

#else

#include <source_location>

namespace assay::simt::inline ASSAY_BUILD {

void __syncthreads(std::source_location where = std::source_location::current());
int __syncthreads_count(int predicate,
                        std::source_location where = std::source_location::current());
int __syncthreads_and(int predicate, std::source_location where = std::source_location::current());
int __syncthreads_or(int predicate, std::source_location where = std::source_location::current());

void barrier_sync(int number, int threads,
                  std::source_location where = std::source_location::current());
void barrier_arrive(int number, int threads,
                    std::source_location where = std::source_location::current());

void __threadfence();
void __threadfence_block();

}  // namespace assay::simt::inline ASSAY_BUILD

using assay::simt::__syncthreads;
using assay::simt::__syncthreads_and;
using assay::simt::__syncthreads_count;
using assay::simt::__syncthreads_or;
using assay::simt::__threadfence;
using assay::simt::__threadfence_block;

#endif
