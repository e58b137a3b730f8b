// A stamp: who accessed a granule of memory, when and where, in 64 bits.
//
//   63..32 clock   31..22 rank of the thread in its block   21..20 flags   19..0 site
//
// The clock is global: a tick for every block, barrier and other event that orders accesses. It
// tells which block and which stretch between two such events an access belongs to.
#pragma once

#include "optimized/simt/build.cuh"

#include <cstdint>

namespace assay::simt::inline ASSAY_BUILD {

using stamp = std::uint64_t;
using clock_tick = std::uint32_t;

// Of the stamp of a write:
inline constexpr stamp k_initialised = stamp{1} << 20;
inline constexpr stamp k_pending = stamp{1} << 21;  // the destination of a cp.async on its way
// Of the stamp of a read:
inline constexpr stamp k_atomic = stamp{1} << 20;
inline constexpr stamp k_async = stamp{1} << 21;  // the source of a cp.async on its way

inline constexpr std::uint32_t k_site_bits = 20;
inline constexpr std::uint32_t k_site_mask = (1u << k_site_bits) - 1;

constexpr stamp stamp_of(clock_tick clock, unsigned rank) {
  return stamp{clock} << 32 | stamp{rank} << 22;
}
constexpr clock_tick clock_of(stamp s) { return static_cast<clock_tick>(s >> 32); }
constexpr unsigned rank_of(stamp s) { return static_cast<unsigned>(s >> 22) & 1023u; }
constexpr std::uint32_t site_of(stamp s) { return static_cast<std::uint32_t>(s) & k_site_mask; }
// Reads, atomics and reads by a cp.async conflict with different things: one cannot stand for
// another.
constexpr unsigned class_of(stamp read) { return static_cast<unsigned>(read >> 20) & 3u; }
constexpr unsigned k_plain_class = 1u << 0;
constexpr unsigned k_atomic_class = 1u << 1;
constexpr unsigned k_async_class = 1u << 2;
constexpr bool is_one_of(stamp read, unsigned classes) {
  return (classes >> class_of(read) & 1u) != 0;
}
constexpr bool is_atomic(stamp read) { return (read & k_atomic) != 0; }

}  // namespace assay::simt::inline ASSAY_BUILD
