// Barriers of a block: number 0 is __syncthreads, the others are the named ones.
#pragma once

#include "optimized/simt/emulator/block.hpp"

#include <source_location>

namespace assay::simt::inline ASSAY_BUILD {

// What a thread that exits does to those who wait for it.
void complete_syncthreads_without(block& b);
void complete_collectives_without(block& b, warp& w);

}  // namespace assay::simt::inline ASSAY_BUILD
