#include "optimized/simt/emulator/collective.hpp"

#include "optimized/simt/emulator/barrier.hpp"
#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

#include <array>
#include <bit>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// The meeting that a lane joins: one of the same kind and with the same lanes, or a new one.
unsigned find_meeting(warp& w, collective kind, lane_mask named, collective_act act) {
  for (std::uint32_t open = w.open; open != 0; open &= open - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(open));
    if (w.meetings[i].named == named && w.meetings[i].kind == kind) return i;
  }
  const auto i = static_cast<unsigned>(std::countr_one(w.open));
  w.open |= std::uint32_t{1} << i;
  w.meetings[i] = {named, 0, kind, act};
  return i;
}

// Everyone is there: the last to arrive acts for all, or a lane that has just exited.
void conclude(block& b, warp& w, unsigned number) {
  const meeting m = w.meetings[number];
  w.open &= ~(std::uint32_t{1} << number);
  if (m.act != nullptr) m.act(w, m.arrived);
  observe::meets(b, w, m.kind, m.arrived);
}

constexpr bool needs_whole_warp(collective kind) { return kind >= collective::ldmatrix; }

[[gnu::cold, gnu::noinline, noreturn]] void refuse_partial_warp(collective kind, const warp& w,
                                                                lane_mask absent,
                                                                std::source_location where) {
  give_up([&] {
    return fmt::format("{} at {} needs all 32 lanes of the warp; lanes {:#010x} {}", name_of(kind),
                       text_of(where), absent,
                       (w.existing & absent) == absent ? "have exited" : "do not exist");
  });
}

}  // namespace

void meet(collective kind, std::uint32_t named, collective_act act, std::source_location where) {
  thread& self = this_thread();
  warp& w = *self.home;
  observe::calls(w, self, kind, named, where);
  named = (named & w.existing) | self.bit();
  const unsigned number = find_meeting(w, kind, named, act);
  meeting& m = w.meetings[number];
  m.arrived |= self.bit();
  if (m.arrived != (named & ~w.exited)) {
    suspend(self, name_of(kind), where, named);
  } else {
    block& b = this_block();
    const lane_mask others = m.arrived & ~self.bit();
    conclude(b, w, number);
    wake(b, w, others);
  }
}

void meet_aligned(collective kind, collective_act act, std::source_location where) {
  const warp& w = *this_thread().home;
  const lane_mask absent = ~(w.existing & ~w.exited);
  if (absent != 0) refuse_partial_warp(kind, w, absent, where);
  meet(kind, ~lane_mask{0}, act, where);
}

void complete_collectives_without(block& b, warp& w) {
  for (std::uint32_t open = w.open; open != 0; open &= open - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(open));
    const meeting& m = w.meetings[i];
    if (m.arrived != (m.named & ~w.exited)) continue;
    const lane_mask arrived = m.arrived;
    if (needs_whole_warp(m.kind)) {
      const thread& waiting = w.lanes[std::countr_zero(arrived)];
      refuse_partial_warp(m.kind, w, ~(w.existing & ~w.exited), waiting.waits.where);
    }
    observe::goes_on_without(b, w, m.kind, m.named, arrived);
    conclude(b, w, i);
    wake(b, w, arrived);
  }
}

const char* name_of(collective kind) {
  static constexpr std::array k_names = {
      "__syncwarp",        "__shfl_sync",       "__shfl_up_sync",    "__shfl_down_sync",
      "__shfl_xor_sync",   "__all_sync",        "__any_sync",        "__ballot_sync",
      "__match_any_sync",  "__reduce_add_sync", "__reduce_min_sync", "__reduce_max_sync",
      "__reduce_and_sync", "__reduce_or_sync",  "__reduce_xor_sync", "ldmatrix",
      "ldmatrix.trans",    "mma.sync (bf16)",   "mma.sync (fp16)"};
  return k_names[static_cast<std::size_t>(kind)];
}

}  // namespace assay::simt::inline ASSAY_BUILD
