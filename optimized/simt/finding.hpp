// What the sanitized emulator has to say about a kernel. The tools carry the names that NVIDIA's
// compute-sanitizer gave them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace assay::simt {

enum class tool {
  memcheck,   // an access outside its extent, to freed memory, or misaligned
  racecheck,  // two accesses that nothing orders, a cp.async among them
  initcheck,  // a read of memory that nothing has written
  synccheck,  // a barrier or warp collective that not everyone reaches, or reaches alike
};

const char* name_of(tool which);

struct source_line {
  std::string file;
  unsigned line = 0;
  bool operator==(const source_line&) const = default;
};

using coordinates = std::array<unsigned, 3>;

struct finding {
  tool kind{};
  std::string message;
  std::string kernel;
  source_line where;
  source_line other;  // the earlier access of a race, the other site of a disagreement; or no line
  coordinates block{};
  coordinates thread{};
  std::string run;          // emulation::run of the launch
  std::uint64_t count = 1;  // how often it happened; the rest tells of the first time
};

// One line: "racecheck: MESSAGE [FILE:LINE, FILE:LINE] in KERNEL, block (x,y,z) thread (x,y,z)".
std::string to_string(const finding& found);

}  // namespace assay::simt
