#include "optimized/simt/emulator/sanitizer/clock.hpp"

#include <algorithm>

namespace assay::simt::inline ASSAY_BUILD {

std::vector<vector_clock::body*>& vector_clock::spare() {
  // Never destroyed: vector clocks may outlive it otherwise.
  static auto* bodies = new std::vector<body*>;
  return *bodies;
}

void vector_clock::make_own(unsigned threads, unsigned owners) {
  if (body_ != nullptr && body_->owners <= owners) return;
  body* made = nullptr;
  if (spare().empty()) {
    made = new body;
  } else {
    made = spare().back();
    spare().pop_back();
    made->owners = 1;
  }
  if (body_ != nullptr) {
    made->ticks = body_->ticks;
  } else {
    made->ticks.assign(threads, 0);
  }
  drop();
  body_ = made;
}

void vector_clock::join(const vector_clock& other) {
  if (other.body_ == nullptr || other.body_ == body_) return;
  auto& mine = body_->ticks;
  const auto& theirs = other.body_->ticks;
  for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = std::max(mine[i], theirs[i]);
}

}  // namespace assay::simt::inline ASSAY_BUILD
