// Who knows what of whom: the order between accesses, by vector clocks (Lamport 1978, Mattern 1989;
// kept as small as FastTrack does: Flanagan, Freund, PLDI 2009).
//
// The clock is global and ticks whenever a thread's accesses may become known to others; a thread's
// accesses carry the tick since which that has not happened. What a thread knows of its own block
// is: everything before the block's last barrier for all (block_state::base), its own accesses, and
// for every other thread all accesses up to some tick (a vector clock, shared between the threads
// that learned the same). What it knows of earlier blocks is in causality.hpp.
#pragma once

#include "optimized/simt/emulator/sanitizer/stamp.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

struct foreign_knowledge;

// An immutable vector clock with shared owners: up to which tick each thread of the block is known.
// Cheaper than shared_ptr<vector>: only one operating system thread is here, and there are very
// many.
class vector_clock {
 public:
  vector_clock() = default;
  vector_clock(const vector_clock& other) : body_(other.body_) {
    if (body_ != nullptr) ++body_->owners;
  }
  vector_clock(vector_clock&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  vector_clock& operator=(vector_clock other) noexcept {
    std::swap(body_, other.body_);
    return *this;
  }
  ~vector_clock() { drop(); }

  bool empty() const { return body_ == nullptr; }
  clock_tick of(unsigned rank) const { return body_->ticks[rank]; }

  // Changes; on a copy of its own, unless nobody else is OWNERS-th owner of the same.
  void make_own(unsigned threads, unsigned owners = 1);
  void join(const vector_clock& other);
  void set(unsigned rank, clock_tick tick) { body_->ticks[rank] = tick; }

 private:
  struct body {
    unsigned owners = 1;
    std::vector<clock_tick> ticks;
  };
  static std::vector<body*>& spare();
  void drop() {
    if (body_ != nullptr && --body_->owners == 0) spare().push_back(body_);
    body_ = nullptr;
  }

  body* body_ = nullptr;
};

// What a thread, or whoever was told by one, knows.
struct knowledge {
  vector_clock own_block;
  std::shared_ptr<const foreign_knowledge> earlier_blocks;  // null: nothing
};

}  // namespace assay::simt::inline ASSAY_BUILD
