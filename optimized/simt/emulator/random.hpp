// The random numbers of a schedule: splitmix64 (Steele, Lea, Flood, OOPSLA 2014), seeded by the
// schedule's number and the block's, so that a schedule does not depend on the number of workers.
#pragma once

#include <cstdint>

namespace assay::simt {

class schedule_random {
 public:
  schedule_random() = default;
  schedule_random(std::uint64_t schedule, std::uint64_t block)
      : state_(schedule * 0xd1342543de82ef95u + block) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, count), for counts far below 2^32.
  unsigned below(unsigned count) {
    return static_cast<unsigned>(((next() >> 32) * std::uint64_t{count}) >> 32);
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace assay::simt
