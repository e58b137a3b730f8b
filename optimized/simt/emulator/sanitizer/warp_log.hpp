// Puts the accesses of a warp's lanes together into instructions.
//
// Lanes run one after the other, so an instruction is found by what it is: the accesses of one kind
// (source line, allocation, read or write, width) that are the n-th of that kind in their lanes
// since the lanes last passed a barrier or a collective. A stretch is all instructions between two
// such passages; lanes that passed as many are in the same stretch.
#pragma once

#include "optimized/simt/emulator/sanitizer/traffic.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

// What makes accesses the same instruction, in 64 bits: site, allocation, bytes and class.
using instruction_kind = std::uint64_t;
constexpr instruction_kind kind_of(std::uint32_t site, std::uint32_t allocation, unsigned bytes,
                                   access_class what) {
  return instruction_kind{allocation} << 32 | instruction_kind{site} << 12 |
         instruction_kind{bytes} << 4 | static_cast<instruction_kind>(what);
}

constexpr unsigned bytes_of(instruction_kind kind) {
  return static_cast<unsigned>(kind >> 4 & 0xffu);
}

class warp_log {
 public:
  void begin(std::uint32_t lanes);  // of the block that starts
  // Returns the instruction's place in the lane's stretch.
  std::uint32_t add(unsigned lane, instruction_kind kind, std::int64_t address) {
    stretch& s = stretches_[stretch_[lane] - first_stretch_];
    const std::uint32_t next = next_[lane];
    if ((in_step_ >> lane & 1u) != 0 && next < s.instructions.size() &&
        s.instructions[next].kind == kind) {
      next_[lane] = next + 1;
      s.join(s.instructions[next], lane, address);
      return next;
    }
    return add_apart(s, lane, kind, address);
  }
  // The access of a copy that asks for fewer BYTES than those of its kind do.
  void add_ragged(unsigned lane, instruction_kind kind, std::int64_t address, unsigned bytes);
  // These lanes have met, or are gone. What no lane can add to any more is counted.
  void pass(std::uint32_t lanes, counters& total);
  void exit(std::uint32_t lanes, counters& total);

 private:
  static constexpr std::uint32_t k_none = 0xffffffffu;

  struct instruction {
    instruction_kind kind;
    std::uint32_t lanes = 0;
    std::uint32_t first_lane = 0;
    std::int64_t first = 0;
    std::int64_t stride = 0;
    std::uint32_t each = k_none;        // in stretch::addresses, when no stride fits
    std::uint32_t ragged = k_none;      // in stretch::bytes, when not all ask for the same
    std::uint32_t next_alike = k_none;  // the next of the same kind
  };
  struct stretch {
    std::vector<instruction> instructions;
    std::deque<std::array<std::int64_t, 32>> addresses;
    std::deque<std::array<std::uint8_t, 32>> bytes;
    // Of each kind the first and the last, for the first INDEXED instructions.
    std::unordered_map<instruction_kind, std::pair<std::uint32_t, std::uint32_t>> alike;
    std::uint32_t indexed = 0;

    void join(instruction& i, unsigned lane, std::int64_t address) {
      const std::int64_t fitting =
          i.first + i.stride * (static_cast<std::int64_t>(lane) - i.first_lane);
      if (address != fitting || i.each != k_none) join_apart(i, lane, address);
      i.lanes |= 1u << lane;
    }
    void join_apart(instruction& i, unsigned lane, std::int64_t address);
    void index();
    void count(counters& total);
  };

  std::uint32_t add_apart(stretch& s, unsigned lane, instruction_kind kind, std::int64_t address);
  void fall_out_of_step(stretch& s, unsigned lane);
  std::uint32_t append(stretch& s, instruction_kind kind, unsigned lane, std::int64_t address);
  void count_finished(counters& total);
  void open_up_to(std::uint32_t number);

  // The stretches that lanes are in, from FIRST_STRETCH_ on; the vectors of the others are kept for
  // reuse.
  std::vector<stretch> stretches_;
  std::uint32_t first_stretch_ = 0;
  std::uint32_t live_ = 0;
  // A lane is in step while its accesses are the stretch's first ones in their order, NEXT_ so far.
  std::uint32_t in_step_ = 0;
  std::array<std::uint32_t, 32> stretch_{};
  std::array<std::uint32_t, 32> next_{};
  // Out of step: the last instruction of each kind that the lane took part in.
  std::array<std::vector<std::pair<instruction_kind, std::uint32_t>>, 32> last_;
};

}  // namespace assay::simt::inline ASSAY_BUILD
