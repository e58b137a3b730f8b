// The words of findings.
#pragma once

#include "optimized/simt/emulator/sanitizer/race.hpp"

#include <string>

namespace assay::simt::inline ASSAY_BUILD {

// "(x,y,z)" of the thread with this rank.
std::string describe_thread(const block& b, unsigned rank);
// "offset 12 of 'x' (400 bytes)".
std::string describe_place(const sanitizer& all, const extent& bounds, const std::byte* address);
std::string describe_out_of_bounds(const sanitizer& all, const char* verb, const extent& bounds,
                                   const std::byte* address, unsigned bytes);
// "the write by thread (x,y,z) of block (x,y,z)".
std::string describe_conflict(const sanitizer& all, const block& b, conflict found);

}  // namespace assay::simt::inline ASSAY_BUILD
