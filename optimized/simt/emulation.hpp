// How the emulator is to run what is launched. A queue carries one of these; each launch takes the
// queue's as it stands at that moment. A GPU runs as it runs, and ignores it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace assay::simt {

struct block_range {  // [first, last) of the grid's blocks, x fastest; the others do not run
  std::uint64_t first = 0;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  // Of these only the last so many: the end of a grid whose size is the launcher's affair.
  std::uint64_t at_most = std::numeric_limits<std::uint64_t>::max();
};

struct sanitizer_tools {
  bool memcheck = true;
  bool racecheck = true;
  bool initcheck = true;
  bool synccheck = true;
};

struct emulation {
  // Order of threads: 0 is program order, any other number a random one of its own.
  std::uint64_t schedule = 0;
  // Operating system threads; 0: one per core, 24 at most. The sanitized build always uses one.
  unsigned workers = 0;
  // Run blocks one after the other: for kernels whose result depends on the order of atomics.
  bool blocks_in_order = false;
  block_range blocks;
  // After this long a kernel that still reaches barriers, collectives or atomics is stopped with an
  // error. 0: never. (A loop without any of them can only be killed from outside.)
  double time_limit_seconds = 0;

  // The sanitized build alone:
  sanitizer_tools tools;
  std::string run;                  // stands in every finding
  std::size_t most_findings = 100;  // distinct ones kept between two backend::take_findings
};

}  // namespace assay::simt
