// The claims of flash attention: memory, traffic and work of standard, flash and sparse attention
// by the number of tokens, and what its kernels take of a multiprocessor.
#pragma once

#include "bench/claims.hpp"
#include "bench/counted_call.hpp"
#include "properties/case.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::bench {

// As many queries as keys, in one head of one batch.
struct attention_call_of {
  std::string variant, implementation;
  dtype type = dtype::bf16;
  std::int64_t tokens = 0, width = 64;
  std::int64_t window = 0;  // keys that a query sees at most, its own the last; variant window
};
properties::run_id run_of(const attention_call_of& what);

// What the sanitized emulator counts of it.
counted_call count_call(const attention_call_of& what);

// Bytes of memory that a call needs: its tensors; and besides them, scratch memory.
double tensor_bytes_of(const attention_call_of& what);
double scratch_bytes_of(const attention_call_of& what);

// A kernel's block on a multiprocessor.
struct attention_block {
  std::string kernel;
  dtype type = dtype::bf16;
  std::int64_t width = 0, tile = 0, threads = 0;  // tile: of queries
  std::size_t shared_bytes = 0;                   // as its launcher asks for
};
std::vector<attention_block> attention_blocks();

// Shared memory of a multiprocessor, and what a block takes of it beyond what was asked for (CUDA
// C++ Programming Guide, table "Technical Specifications per Compute Capability", and 1 KiB a block
// for the system).
inline constexpr std::size_t k_sm_80_shared_bytes = 164 * 1024, k_sm_90_shared_bytes = 228 * 1024;
std::size_t blocks_held(std::size_t sm_shared_bytes, const attention_block& block);

claimed attention_claims();

}  // namespace assay::bench
