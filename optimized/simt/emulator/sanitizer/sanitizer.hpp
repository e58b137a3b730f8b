// The state of the sanitized build as a whole. One operating system thread runs everything here.
#pragma once

#include "optimized/simt/counters.hpp"
#include "optimized/simt/emulator/sanitizer/allocation.hpp"
#include "optimized/simt/emulator/sanitizer/causality.hpp"
#include "optimized/simt/emulator/sanitizer/reader_sets.hpp"
#include "optimized/simt/emulator/sanitizer/reporter.hpp"
#include "optimized/simt/emulator/sanitizer/sites.hpp"

#include <cstdint>
#include <string>

namespace assay::simt::inline ASSAY_BUILD {

inline constexpr clock_tick k_clock_limit = 0xf0000000u;

class sanitizer {
 public:
  sanitizer() : allocations(sets) {}

  clock_tick tick() { return ++clock_; }
  clock_tick now() const { return clock_; }

  void begin_launch(const void* kernel, const emulation& options);
  // Called between blocks: long before the clock can overflow, it starts again, and the shadows of
  // all global memory forget what happened; those of shared memory the caller makes forget it, if
  // this returns true. (A race between blocks this far apart in one launch is not seen.)
  bool renew_clock();
  void set_clock(clock_tick now) { clock_ = now; }  // for tests

  template <class Message>
  void report(offence what, const block& b, const thread& t, std::uint32_t site,
              std::uint32_t other, Message message) {
    findings.report(what, b, t, site, other, sites, message);
  }

  reader_sets sets;
  allocation_table allocations;
  site_table sites;
  reporter findings;
  causality order;
  counters totals;
  clock_tick launch_start = 1;
  bool checks_races = true;

 private:
  clock_tick clock_ = 1;
};

sanitizer& the_sanitizer();

}  // namespace assay::simt::inline ASSAY_BUILD
