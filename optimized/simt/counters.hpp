// What the sanitized emulator counts while a kernel runs. Accesses are counted by the instruction
// of a warp: the accesses of its lanes from one source line to one allocation that are the n-th of
// their kind since the lanes last met (optimized/simt/README.md, Counters). The figures are the
// same on every compiler and machine.
#pragma once

#include <cstdint>

namespace assay::simt {

struct counters {
  std::uint64_t global_loads = 0;         // warp instructions
  std::uint64_t global_load_bytes = 0;    // asked for by the lanes
  std::uint64_t global_load_sectors = 0;  // 32-byte sectors touched
  std::uint64_t global_stores = 0;
  std::uint64_t global_store_bytes = 0;
  std::uint64_t global_store_sectors = 0;
  std::uint64_t global_atomics = 0;
  std::uint64_t global_atomic_bytes = 0;
  std::uint64_t global_atomic_sectors = 0;
  std::uint64_t shared_accesses = 0;    // warp instructions: loads, stores, ldmatrix, cp.async's
  std::uint64_t shared_wavefronts = 0;  // passes through the 32 banks
  std::uint64_t shared_bank_conflicts = 0;  // wavefronts beyond what the width of the access needs
  std::uint64_t shared_atomics = 0;
  std::uint64_t tensor_core_flops = 0;  // a multiply-add is two
  std::uint64_t barriers = 0;           // completed __syncthreads and named barriers
  std::uint64_t collectives = 0;        // completed warp collectives, __syncwarp among them

  bool operator==(const counters&) const = default;
};

}  // namespace assay::simt
