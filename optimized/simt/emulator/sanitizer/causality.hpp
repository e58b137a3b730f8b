// Order through fences and atomics: a fence and then an atomic release what the thread knows, an
// atomic and then a fence acquire what was released at that location (PTX, memory consistency
// model: release and acquire patterns). This is the only order between blocks of one launch.
#pragma once

#include "optimized/simt/emulator/sanitizer/clock.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

struct thread;
struct block;

// What a thread knew at a fence.
struct release {
  clock_tick block_start = 0;  // which block it was
  clock_tick base = 0;         // everything in the block before this is known,
  clock_tick own = 0;          // the thread's own accesses up to this,
  unsigned rank = 0;
  bool device_wide = false;
  knowledge known;  // and this
};

// All releases at one location, oldest first.
struct release_log {
  std::vector<release> releases;
  std::vector<std::size_t> with_more;  // those that know of earlier blocks
};

// The first COUNT releases of a log.
struct log_view {
  const release_log* log;
  std::size_t count;
};

struct foreign_knowledge {
  std::vector<log_view> views;
};

// The part of a thread's state that fences and atomics need.
struct causal_state {
  bool has_fenced = false;
  release at_fence;
  std::vector<log_view> seen;  // at atomics since the last device-wide fence
};

class causality {
 public:
  void begin_launch();
  void begin_block(clock_tick start) { block_starts_.push_back(start); }

  void fence(block& b, thread& t, bool device_wide);
  void atomic(block& b, thread& t, const void* location);

  // Does T know of an access in an earlier block of this launch?
  bool knows(const thread& t, stamp s) const;
  // Could anybody ever, if everything that is released is acquired?
  bool can_be_known(stamp s) const;
  // How many blocks after the one that S belongs to have begun.
  std::size_t blocks_since(stamp s) const { return block_starts_.size() - 1 - block_of(s); }

  static std::shared_ptr<const foreign_knowledge> joined(
      const std::shared_ptr<const foreign_knowledge>& a,
      const std::shared_ptr<const foreign_knowledge>& b);

 private:
  // The block that S belongs to, as its place among the launch's blocks that have begun.
  std::size_t block_of(stamp s) const;
  bool covers(const release& r, stamp s) const;
  bool knows(const foreign_knowledge& known, clock_tick start, stamp s) const;
  // What was released at an atomic that T has made: by its own block, and, if DEVICE_WIDE, by
  // others.
  void acquire(block& b, thread& t, const log_view& seen, bool device_wide);

  std::vector<clock_tick> block_starts_;
  std::unordered_map<const void*, std::unique_ptr<release_log>> logs_;
  std::vector<clock_tick> releases_;  // device-wide ones, of all logs: when; ascending
};

}  // namespace assay::simt::inline ASSAY_BUILD
