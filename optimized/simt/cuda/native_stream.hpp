// A queue's stream, for those who put work of their own beside it and know CUDA by another way.
#pragma once

#include "optimized/simt/backend.hpp"

namespace assay::simt::cuda {

// A cudaStream_t, which lives as long as the queue; throws error where the queue is no GPU's. In
// programs that have a CUDA side (assay_simt_gpu).
void* native_stream(queue& q);

}  // namespace assay::simt::cuda
