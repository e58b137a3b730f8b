// The ceiling of memory-bound kernels: what the device's own copy moves.
#pragma once

#include "optimized/simt/backend.hpp"

namespace assay::bench {

// Bytes a second, read plus written, of the best of several copies on the device; 0 where the
// device has no clock of its own (the emulator).
double copy_bandwidth(simt::backend& place);

}  // namespace assay::bench
