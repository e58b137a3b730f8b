// The ceiling of memory-bound kernels: what the device's own copy moves.
#pragma once

#include "optimized/simt/backend.hpp"

#include <cstddef>
#include <string>

namespace assay::bench {

// Bytes a second, read plus written, of the best of several copies on the device; 0 where the
// device has no clock of its own (the emulator).
double copy_bandwidth(simt::backend& place);

// The same of this machine's memory: one thread's memcpy of buffers beyond its caches, by CPU
// seconds.
double host_copy_bandwidth();

// Bytes that tensors must take so that a pass over them finds nothing in the host's caches: four
// times the largest.
std::size_t host_rotation_bytes();

// Why a figure cannot be: what a kernel is said to move in a second, from and to memory, is more
// than the memory's own copy moves. Empty where it can.
std::string accounting_error(double bytes_a_second, double roof);

}  // namespace assay::bench
