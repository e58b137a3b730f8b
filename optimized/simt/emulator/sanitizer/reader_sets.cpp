#include "optimized/simt/emulator/sanitizer/reader_sets.hpp"

#include <algorithm>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// In a set that is spread.
std::size_t place_of(stamp s) { return 4 * std::size_t{rank_of(s)} + class_of(s); }

}  // namespace

void reader_set::add(stamp s) {
  latest_ = std::max(latest_, clock_of(s));
  classes_ |= 1u << class_of(s);
  if (!is_spread_) {
    for (stamp& known : stamps_) {
      if (place_of(known) == place_of(s)) {
        known = s;
        return;
      }
    }
    if (stamps_.size() < k_list) {
      stamps_.push_back(s);
      return;
    }
    spread();
  }
  if (stamps_.size() <= place_of(s)) stamps_.resize(place_of(s) + 1);
  stamps_[place_of(s)] = s;
}

void reader_set::append(stamp s) {
  latest_ = std::max(latest_, clock_of(s));
  classes_ |= 1u << class_of(s);
  stamps_.push_back(s);
}

void reader_set::spread() {
  std::vector<stamp> places;
  for (const stamp s : stamps_) {
    if (places.size() <= place_of(s)) places.resize(place_of(s) + 1);
    places[place_of(s)] = s;
  }
  stamps_ = std::move(places);
  is_spread_ = true;
}

void reader_set::clear() {
  stamps_.clear();
  is_spread_ = false;
  latest_ = 0;
  classes_ = 0;
}

stamp reader_sets::make() {
  if (unused_.empty()) {
    unused_.push_back(static_cast<std::uint32_t>(sets_.size()));
    sets_.emplace_back();
  }
  const std::uint32_t number = unused_.back();
  unused_.pop_back();
  return stamp{k_set} << 32 | number;
}

stamp reader_sets::copy(stamp s) {
  if (!is_set(s)) return s;
  const stamp made = make();
  of(made) = of(s);
  return made;
}

void reader_sets::release(stamp s) {
  of(s).clear();
  unused_.push_back(static_cast<std::uint32_t>(s));
}

}  // namespace assay::simt::inline ASSAY_BUILD
