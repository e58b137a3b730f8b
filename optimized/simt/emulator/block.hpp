// The state of the block that a worker runs: its threads, warps and barriers. The verbs are in
// scheduler.hpp, barrier.cpp, collective.cpp and async_copy.cpp.
#pragma once

#include "optimized/simt/emulator/async_copies.hpp"
#include "optimized/simt/emulator/collective.hpp"
#include "optimized/simt/emulator/coordinates.hpp"
#include "optimized/simt/emulator/fiber.hpp"
#include "optimized/simt/emulator/launch.hpp"
#include "optimized/simt/emulator/observer.hpp"
#include "optimized/simt/emulator/random.hpp"
#include "optimized/simt/emulator/shared_arena.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

inline constexpr unsigned k_warp_lanes = 32;
inline constexpr unsigned k_most_threads = 1024;
inline constexpr unsigned k_most_warps = k_most_threads / k_warp_lanes;
inline constexpr unsigned k_barriers = 16;
// Arrays, which have one address in the whole program: a literal need not.
inline constexpr char k_syncthreads[] = "__syncthreads";
inline constexpr char k_named_barrier[] = "simt::barrier_sync";

using lane_mask = std::uint32_t;
using warp_mask = std::uint32_t;

// What a thread waits for, when it does; told when nobody can run any more.
struct waiting_for {
  const char* what = nullptr;
  std::source_location where;
  std::uint32_t whom = 0;  // the barrier's number, or the lanes of the collective

  // Member by member: g++ would assemble the whole on the stack first, and wait for it.
  void set(const char* for_what, std::source_location at, std::uint32_t for_whom) {
    what = for_what;
    where = at;
    whom = for_whom;
  }
};

struct alignas(64) thread : thread_coordinates {
  warp* home = nullptr;
  fiber* on = nullptr;
  waiting_for waits;
  unsigned spins = 0;  // atomics since it last gave way to others
  async_copies copies;
  [[no_unique_address]] observe::thread_state observed;

  lane_mask bit() const { return lane_mask{1} << lane; }
};

// A collective that some lanes of a warp have reached and others have not.
struct meeting {
  lane_mask named = 0;
  lane_mask arrived = 0;
  collective kind{};
  collective_act act = nullptr;
};

struct warp {
  unsigned number = 0;
  thread* lanes = nullptr;
  lane_mask existing = 0;
  lane_mask unstarted = 0;
  lane_mask ready = 0;
  lane_mask exited = 0;
  unsigned last_run = 0;  // the lane that ran last, where turn-taking goes on

  std::uint32_t open = 0;                      // which of the meetings are under way
  std::array<meeting, k_warp_lanes> meetings;  // a lane waits in one at a time: 32 suffice
  std::array<exchange_slot, k_warp_lanes> slots;
  matrix_scratch matrices;
  [[no_unique_address]] observe::warp_state observed;

  lane_mask runnable() const { return ready | unstarted; }
};

struct barrier_count {
  unsigned arrived = 0;
  unsigned agreeing = 0;  // whose predicate, of __syncthreads_count, _and, _or, was not zero
};

struct barrier {
  unsigned expected = 0;  // threads, as the first arrival has it
  unsigned arrived = 0;
  unsigned agreeing = 0;
  barrier_count result;  // when it last opened
  std::array<lane_mask, k_most_warps> waiting{};
  std::source_location where;  // the first arrival's
  [[no_unique_address]] observe::barrier_state observed;
};

struct block : block_coordinates {
  const launch_description* launch = nullptr;
  std::uint64_t number = 0;  // in the grid, x fastest
  unsigned threads = 0;
  unsigned live = 0;       // threads that have not exited
  warp_mask runnable = 0;  // warps in which somebody could run
  std::vector<thread> all_threads;
  std::vector<warp> warps;
  std::array<barrier, k_barriers> barriers;
  shared_arena arena;
  schedule_random random;
  bool is_fuzzed = false;
  unsigned patience = 0;  // switches until the clock is looked at
  std::string fault;      // why the launch must stop

  fiber native;  // the worker's own stack
  std::vector<std::unique_ptr<fiber>> fibers;
  std::vector<fiber*> idle_fibers;

  [[no_unique_address]] observe::block_state observed;
};

// So many switches pass between two looks at the clock.
inline constexpr unsigned k_patience = 4096;

// Gives B so many threads and warps; readies it for block NUMBER of the grid.
void lay_out_threads(block& b, dim3 size);
void reset(block& b, std::uint64_t number);

// The running thread, its warp and block.
inline thread& this_thread() { return *static_cast<thread*>(here.thread); }
inline block& this_block() { return *static_cast<block*>(here.block); }

}  // namespace assay::simt::inline ASSAY_BUILD
