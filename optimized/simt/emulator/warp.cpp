#include "optimized/simt/warp.cuh"

#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

#include <algorithm>
#include <bit>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// Calls ACT(lane, its slot) for each lane in LANES.
template <class Act>
void for_each_lane(warp& w, lane_mask lanes, Act act) {
  for (; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(lanes));
    act(lane, w.slots[lane]);
  }
}

// ---- shuffles

// The lane that LANE reads from: PTX, shfl.sync, with the segment's bounds in place of its operand
// c.
template <shuffle_source Source>
unsigned source_lane(unsigned lane, const exchange_slot& slot) {
  const int segment_mask = 32 - slot.width;  // the bits of a lane's number that name its segment
  const int self = static_cast<int>(lane);
  const int lowest = self & segment_mask;
  const int highest = lowest | (31 & ~segment_mask);
  const int by = slot.argument & 31;
  int from = self;
  switch (Source) {
    case shuffle_source::index:
      from = lowest | (by & ~segment_mask);
      break;
    case shuffle_source::up:
      from = self - by;
      break;
    case shuffle_source::down:
      from = self + by;
      break;
    case shuffle_source::exclusive_or:
      from = self ^ by;
      break;
  }
  const bool is_beyond = Source == shuffle_source::up ? from < lowest : from > highest;
  return static_cast<unsigned>(is_beyond ? self : from);
}

[[gnu::cold, gnu::noinline, noreturn]] void refuse_width(int width, std::source_location where) {
  give_up([&] {
    return fmt::format("shuffle of width {} at {}; expected 1, 2, 4, 8, 16 or 32", width,
                       text_of(where));
  });
}

constexpr collective k_shuffles[] = {collective::shuffle, collective::shuffle_up,
                                     collective::shuffle_down, collective::shuffle_xor};

template <shuffle_source Source>
void exchange(warp& w, lane_mask lanes) {
  for_each_lane(w, lanes, [&](unsigned lane, exchange_slot& slot) {
    const unsigned from = source_lane<Source>(lane, slot);
    if ((lanes >> from & 1u) != 0) {
      slot.result = w.slots[from].value;
      return;
    }
    // Undefined on a GPU. Here: something that is no use to anyone.
    slot.result = ~std::uint64_t{0};
    observe::reads_absent_lane(w.lanes[lane], from, k_shuffles[static_cast<std::size_t>(Source)]);
  });
}

constexpr collective_act k_exchanges[] = {
    exchange<shuffle_source::index>, exchange<shuffle_source::up>, exchange<shuffle_source::down>,
    exchange<shuffle_source::exclusive_or>};

// ---- votes, matches, reductions

// ACT(mask of lanes, whose value is not zero, mask of all) gives every lane's result.
template <class Act>
void vote(warp& w, lane_mask lanes, Act act) {
  lane_mask agreeing = 0;
  for_each_lane(w, lanes, [&](unsigned lane, const exchange_slot& mine) {
    agreeing |= static_cast<lane_mask>(mine.value != 0) << lane;
  });
  const std::uint64_t result = act(agreeing, lanes);
  for_each_lane(w, lanes, [&](unsigned, exchange_slot& mine) { mine.result = result; });
}

void match(warp& w, lane_mask lanes) {
  for_each_lane(w, lanes, [&](unsigned, exchange_slot& mine) {
    lane_mask same = 0;
    for_each_lane(w, lanes, [&](unsigned lane, const exchange_slot& other) {
      same |= static_cast<lane_mask>(other.value == mine.value) << lane;
    });
    mine.result = same;
  });
}

template <class T, class Combine>
void reduce(warp& w, lane_mask lanes, Combine combine) {
  bool first = true;
  T result{};
  for_each_lane(w, lanes, [&](unsigned, const exchange_slot& mine) {
    const T value = static_cast<T>(static_cast<std::uint32_t>(mine.value));
    result = first ? value : combine(result, value);
    first = false;
  });
  for_each_lane(w, lanes, [&](unsigned, exchange_slot& mine) {
    mine.result = static_cast<std::uint32_t>(result);
  });
}

std::uint32_t vote_of(collective kind, std::uint32_t lanes, std::uint64_t value, collective_act act,
                      std::source_location where) {
  exchange_slot& mine = this_thread().home->slots[this_thread().lane];
  mine.value = value;
  meet(kind, lanes, act, where);
  return static_cast<std::uint32_t>(mine.result);
}

template <class T, class Combine>
T reduction_of(collective kind, std::uint32_t lanes, T value, Combine, std::source_location where) {
  // Signed and unsigned forms of one reduction are different instructions only for min and max;
  // lanes of one warp cannot mix them in C++ without naming different functions.
  constexpr collective_act k_act = [](warp& w, lane_mask all) { reduce<T>(w, all, Combine{}); };
  return static_cast<T>(vote_of(kind, lanes, static_cast<std::uint32_t>(value), k_act, where));
}

struct add {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
  }
};
struct least {
  template <class T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};
struct greatest {
  template <class T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};

}  // namespace

std::uint64_t shuffle_bits(shuffle_source source, std::uint32_t lanes, std::uint64_t bits,
                           int argument, int width, std::source_location where) {
  if (width < 1 || width > 32 || !std::has_single_bit(static_cast<unsigned>(width))) {
    refuse_width(width, where);
  }
  exchange_slot& mine = this_thread().home->slots[this_thread().lane];
  mine.value = bits;
  mine.argument = argument;
  mine.width = width;
  const auto form = static_cast<std::size_t>(source);
  meet(k_shuffles[form], lanes, k_exchanges[form], where);
  return mine.result;
}

std::uint32_t match_bits(std::uint32_t lanes, std::uint64_t bits, std::source_location where) {
  return vote_of(collective::match_any, lanes, bits, match, where);
}

void __syncwarp(unsigned lanes, std::source_location where) {
  maybe_preempt();
  meet(collective::syncwarp, lanes, nullptr, where);
}

unsigned __activemask() { return this_thread().bit(); }

int __all_sync(unsigned lanes, int predicate, std::source_location where) {
  constexpr collective_act k_act = [](warp& w, lane_mask all) {
    vote(w, all, [](lane_mask agreeing, lane_mask of) { return agreeing == of ? 1u : 0u; });
  };
  return static_cast<int>(vote_of(collective::all, lanes, predicate != 0, k_act, where));
}

int __any_sync(unsigned lanes, int predicate, std::source_location where) {
  constexpr collective_act k_act = [](warp& w, lane_mask all) {
    vote(w, all, [](lane_mask agreeing, lane_mask) { return agreeing != 0 ? 1u : 0u; });
  };
  return static_cast<int>(vote_of(collective::any, lanes, predicate != 0, k_act, where));
}

unsigned __ballot_sync(unsigned lanes, int predicate, std::source_location where) {
  constexpr collective_act k_act = [](warp& w, lane_mask all) {
    vote(w, all, [](lane_mask agreeing, lane_mask) { return agreeing; });
  };
  return vote_of(collective::ballot, lanes, predicate != 0, k_act, where);
}

int __reduce_add_sync(unsigned lanes, int value, std::source_location where) {
  return reduction_of(collective::reduce_add, lanes, value, add{}, where);
}
int __reduce_min_sync(unsigned lanes, int value, std::source_location where) {
  return reduction_of(collective::reduce_min, lanes, value, least{}, where);
}
int __reduce_max_sync(unsigned lanes, int value, std::source_location where) {
  return reduction_of(collective::reduce_max, lanes, value, greatest{}, where);
}
unsigned __reduce_add_sync(unsigned lanes, unsigned value, std::source_location where) {
  return reduction_of(collective::reduce_add, lanes, value, add{}, where);
}
unsigned __reduce_min_sync(unsigned lanes, unsigned value, std::source_location where) {
  return reduction_of(collective::reduce_min, lanes, value, least{}, where);
}
unsigned __reduce_max_sync(unsigned lanes, unsigned value, std::source_location where) {
  return reduction_of(collective::reduce_max, lanes, value, greatest{}, where);
}
unsigned __reduce_and_sync(unsigned lanes, unsigned value, std::source_location where) {
  return reduction_of(collective::reduce_and, lanes, value, std::bit_and{}, where);
}
unsigned __reduce_or_sync(unsigned lanes, unsigned value, std::source_location where) {
  return reduction_of(collective::reduce_or, lanes, value, std::bit_or{}, where);
}
unsigned __reduce_xor_sync(unsigned lanes, unsigned value, std::source_location where) {
  return reduction_of(collective::reduce_xor, lanes, value, std::bit_xor{}, where);
}

}  // namespace assay::simt::inline ASSAY_BUILD
