// Races: two accesses to one granule, at least one of them a plain write or one a plain access and
// the other an atomic, that nothing orders.
#pragma once

#include "optimized/simt/emulator/block.hpp"
#include "optimized/simt/emulator/sanitizer/sanitizer.hpp"
#include "optimized/simt/emulator/sanitizer/shadow.hpp"

namespace assay::simt::inline ASSAY_BUILD {

// What an access races with.
struct conflict {
  stamp with = 0;  // 0: nothing
  bool is_write = false;
};

// One access to one cell, and what it finds there.
class cell_access {
 public:
  // FLOOR: accesses with an earlier clock are over and forgotten; of shared memory, those of
  // earlier blocks, which had memory of their own.
  cell_access(sanitizer& all, const block& b, const thread& t, bool is_shared)
      : all_(all),
        block_(b),
        thread_(t),
        floor_(is_shared ? b.observed.start : all.launch_start),
        is_shared_(is_shared) {}

  // Record a read, write or atomic by the thread at SITE.
  conflict read(cell& c, std::uint32_t site) { return add_reader(c, thread_.observed.mine | site); }
  conflict write(cell& c, std::uint32_t site);
  conflict atomic(cell& c, std::uint32_t site);
  // The destination and the source of a cp.async, which are its own until it lands.
  conflict start_copy_to(cell& c, std::uint32_t site);
  conflict start_copy_from(cell& c, std::uint32_t site) {
    return add_reader(c, thread_.observed.mine | k_async | site);
  }
  void land_copy_to(cell& c, std::uint32_t site);
  void land_copy_from(cell& c, std::uint32_t site);

  bool is_initialised(const cell& c) const {
    return (c.write & k_initialised) != 0 && (!is_shared_ || clock_of(c.write) >= floor_);
  }
  // Is the cell the destination of a cp.async that its thread has not waited for?
  bool is_pending(const cell& c) const {
    return (c.write & k_pending) != 0 && clock_of(c.write) >= block_.observed.start;
  }

  // Did everything that S stamps happen before what the thread does now?
  bool is_ordered(stamp s) const;

 private:
  bool is_over(stamp s) const { return clock_of(s) < floor_; }
  bool is_of_this_block(stamp s) const { return clock_of(s) >= block_.observed.start; }
  conflict find_unordered_write(const cell& c) const;
  conflict add_reader(cell& c, stamp mine);
  void add_to_full(cell& c, stamp mine);
  void set_aside_earlier_blocks(cell& c);
  void set_aside(cell& c, stamp s);
  conflict find_unordered(cell& c, unsigned classes) const;

  sanitizer& all_;
  const block& block_;
  const thread& thread_;
  clock_tick floor_;
  bool is_shared_;
};

}  // namespace assay::simt::inline ASSAY_BUILD
