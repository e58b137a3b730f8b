// What the sanitized build is told while a kernel runs. In the plain build these are empty, and
// cost nothing. The states it keeps sit in the thread, warp, barrier and block they are about.
#pragma once

#include "optimized/simt/build.cuh"

#if defined(ASSAY_SANITIZED)
#include "optimized/simt/emulator/sanitizer/observer.hpp"
#else

#include "optimized/simt/emulator/async_copies.hpp"

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>

namespace assay::simt::inline ASSAY_BUILD {

struct thread;
struct warp;
struct barrier;
struct block;
struct launch_description;
enum class collective : std::uint8_t;

namespace observe {

struct thread_state {};
struct warp_state {};
struct barrier_state {};
struct block_state {};
struct shared_state {
  void describe_variable(std::byte*, std::size_t, std::size_t, std::source_location) {}
  void describe_dynamic(std::byte*, std::size_t) {}
  void describe_part(const shared_state&, std::byte*, std::size_t) {}
  static constexpr bool hold(unsigned) { return true; }
};

inline void launch_begins(const launch_description&) {}
inline void block_begins(block&) {}
inline void block_ends(block&) {}
inline void thread_exits(block&, thread&) {}
inline void deadlocks(block&, const std::string&) {}

inline void arrives(block&, thread&, barrier&, unsigned, unsigned, std::source_location) {}
inline void goes_on(thread&) {}
inline void opens(block&, barrier&, unsigned, const thread*) {}

inline void calls(warp&, thread&, collective, std::uint32_t, std::source_location) {}
inline void meets(block&, warp&, collective, std::uint32_t) {}
inline void goes_on_without(block&, warp&, collective, std::uint32_t, std::uint32_t) {}
inline void reads_absent_lane(thread&, unsigned, collective) {}

inline void fences(thread&, bool) {}

// Whether the copy may be started, after filling in the addresses.
inline bool starts(thread&, async_copy& copy, void* to, const void* from, std::source_location) {
  copy.to = to;
  copy.from = from;
  return true;
}
inline void lands(thread&, const async_copy&) {}
inline const std::byte* reads_row(const std::byte* row, std::source_location) { return row; }

}  // namespace observe
}  // namespace assay::simt::inline ASSAY_BUILD

#endif
