// Operations in which the lanes of a warp take part together. A lane puts what it brings into its
// warp's scratch memory, in places that only this lane uses, and waits; the last to arrive acts for
// all; each lane then takes its result out of the scratch memory, before it can take part again.
#pragma once

#include "optimized/simt/build.cuh"

#include <cstddef>
#include <cstdint>
#include <source_location>

namespace assay::simt::inline ASSAY_BUILD {

struct warp;

enum class collective : std::uint8_t {
  syncwarp,
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  all,
  any,
  ballot,
  match_any,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_and,
  reduce_or,
  reduce_xor,
  // From here on all 32 lanes take part.
  ldmatrix,
  ldmatrix_trans,
  mma_bf16,
  mma_fp16,
};

const char* name_of(collective kind);

// What a lane brings to a shuffle, vote, match or reduction.
struct exchange_slot {
  std::uint64_t value;
  std::uint64_t result;
  int argument;  // of a shuffle: lane, distance or mask
  int width;
};

// What the lanes bring to the tensor core. Laid out so that the 8 x 8 parts of a matrix, each
// spread over the 32 lanes, lie here row by row.
struct matrix_scratch {
  const std::byte* row[32];     // ldmatrix: the address that a lane gives
  std::uint32_t loaded[4][32];  // ldmatrix: register m of lane l
  std::uint32_t a[4][32];       // mma: register r of lane l
  std::uint32_t b[2][32];
  float d[2][32][2];  // mma: registers 2 r and 2 r + 1 of lane l
};

// Turns what the lanes in LANES brought into their results.
using collective_act = void (*)(warp& where, std::uint32_t lanes);

// Called by each lane; returns when all lanes in NAMED that exist and have not exited have called.
void meet(collective kind, std::uint32_t named, collective_act act, std::source_location where);

// As meet, for instructions that need all 32 lanes of the warp (PTX: .aligned).
void meet_aligned(collective kind, collective_act act, std::source_location where);

}  // namespace assay::simt::inline ASSAY_BUILD
