#include "optimized/simt/emulator/sanitizer/warp_log.hpp"

#include <algorithm>
#include <bit>

namespace assay::simt::inline ASSAY_BUILD {

void warp_log::begin(std::uint32_t lanes) {
  live_ = in_step_ = lanes;
  first_stretch_ = 0;
  stretch_ = {};
  next_ = {};
  open_up_to(0);
}

void warp_log::open_up_to(std::uint32_t number) {
  while (stretches_.size() <= number - first_stretch_) stretches_.emplace_back();
}

// ADDRESS is not where the others' stride leads.
void warp_log::stretch::join_apart(instruction& i, unsigned lane, std::int64_t address) {
  const std::int64_t distance = static_cast<std::int64_t>(lane) - i.first_lane;
  if (i.each == k_none && std::has_single_bit(i.lanes) && (address - i.first) % distance == 0) {
    i.stride = (address - i.first) / distance;
    return;
  }
  if (i.each == k_none) {
    i.each = static_cast<std::uint32_t>(addresses.size());
    auto& each = addresses.emplace_back();
    for (std::uint32_t lanes = i.lanes; lanes != 0; lanes &= lanes - 1) {
      const int known = std::countr_zero(lanes);
      each[static_cast<unsigned>(known)] =
          i.first + i.stride * (std::int64_t{known} - i.first_lane);
    }
  }
  addresses[i.each][lane] = address;
}

std::uint32_t warp_log::append(stretch& s, instruction_kind kind, unsigned lane,
                               std::int64_t address) {
  instruction added{.kind = kind};
  added.lanes = 1u << lane;
  added.first_lane = lane;
  added.first = address;
  s.instructions.push_back(added);
  return static_cast<std::uint32_t>(s.instructions.size() - 1);
}

void warp_log::stretch::index() {
  for (; indexed < instructions.size(); ++indexed) {
    const auto [found, is_new] =
        alike.try_emplace(instructions[indexed].kind, std::pair{indexed, indexed});
    if (is_new) continue;
    instructions[found->second.second].next_alike = indexed;
    found->second.second = indexed;
  }
}

void warp_log::fall_out_of_step(stretch& s, unsigned lane) {
  in_step_ &= ~(1u << lane);
  auto& last = last_[lane];
  last.clear();
  for (std::uint32_t i = next_[lane]; i-- > 0;) {
    const instruction_kind kind = s.instructions[i].kind;
    const bool is_known = std::any_of(last.begin(), last.end(),
                                      [&](const auto& entry) { return entry.first == kind; });
    if (!is_known) last.emplace_back(kind, i);
  }
}

std::uint32_t warp_log::add_apart(stretch& s, unsigned lane, instruction_kind kind,
                                  std::int64_t address) {
  if ((in_step_ >> lane & 1u) != 0) {
    if (next_[lane] == s.instructions.size()) {  // the first lane that comes here
      ++next_[lane];
      return append(s, kind, lane, address);
    }
    fall_out_of_step(s, lane);
  }
  s.index();
  auto& last = last_[lane];
  auto mine = std::find_if(last.begin(), last.end(),
                           [&](const auto& entry) { return entry.first == kind; });
  std::uint32_t at = k_none;
  if (mine != last.end()) {
    at = s.instructions[mine->second].next_alike;
  } else {
    const auto first = s.alike.find(kind);
    if (first != s.alike.end()) at = first->second.first;
    mine = last.emplace(last.end(), kind, k_none);
  }
  if (at != k_none) {
    s.join(s.instructions[at], lane, address);
  } else {
    at = append(s, kind, lane, address);
  }
  mine->second = at;
  return at;
}

void warp_log::add_ragged(unsigned lane, instruction_kind kind, std::int64_t address,
                          unsigned bytes) {
  const std::uint32_t place = add(lane, kind, address);
  stretch& s = stretches_[stretch_[lane] - first_stretch_];
  instruction& i = s.instructions[place];
  if (i.ragged == k_none) {
    i.ragged = static_cast<std::uint32_t>(s.bytes.size());
    s.bytes.emplace_back().fill(static_cast<std::uint8_t>(bytes_of(kind)));
  }
  s.bytes[i.ragged][lane] = static_cast<std::uint8_t>(bytes);
}

void warp_log::stretch::count(counters& total) {
  for (const instruction& i : instructions) {
    const auto what = static_cast<access_class>(i.kind & 0xfu);
    const warp_addresses where{i.lanes,
                               bytes_of(i.kind),
                               i.first_lane,
                               i.first,
                               i.stride,
                               i.each == k_none ? nullptr : &addresses[i.each],
                               i.ragged == k_none ? nullptr : &bytes[i.ragged]};
    count_instruction(total, what, where);
  }
  instructions.clear();
  addresses.clear();
  bytes.clear();
  if (indexed > 0) alike.clear();
  indexed = 0;
}

void warp_log::count_finished(counters& total) {
  std::uint32_t oldest = k_none;
  for (unsigned lane = 0; lane < 32; ++lane) {
    oldest = std::min(oldest, (live_ >> lane & 1u) != 0 ? stretch_[lane] : k_none);
  }
  if (oldest == k_none) {  // nobody is left
    for (stretch& s : stretches_) s.count(total);
    return;
  }
  while (first_stretch_ < oldest) {
    stretches_.front().count(total);
    std::rotate(stretches_.begin(), stretches_.begin() + 1, stretches_.end());
    ++first_stretch_;
  }
}

void warp_log::pass(std::uint32_t lanes, counters& total) {
  std::uint32_t newest = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    const std::uint32_t passes = lanes >> lane & 1u;
    stretch_[lane] += passes;
    next_[lane] = passes != 0 ? 0 : next_[lane];
    newest = std::max(newest, (live_ >> lane & 1u) != 0 ? stretch_[lane] : 0);
  }
  in_step_ |= lanes;
  count_finished(total);
  open_up_to(newest);
}

void warp_log::exit(std::uint32_t lanes, counters& total) {
  live_ &= ~lanes;
  if (live_ == 0) count_finished(total);
}

}  // namespace assay::simt::inline ASSAY_BUILD
