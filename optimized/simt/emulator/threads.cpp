// Who waits where and for what: the report of a deadlock or of a time limit.
#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

#include <map>
#include <string>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

std::string details(const block& b, const thread& t) {
  const waiting_for& waits = t.waits;
  if (waits.what == k_syncthreads || waits.what == k_named_barrier) {
    const barrier& bar = b.barriers[waits.whom];
    const unsigned wanted = waits.whom == 0 ? b.live : bar.expected;
    const std::string which = waits.whom == 0 ? "" : fmt::format(" number {}", waits.whom);
    return fmt::format("{}, which {} of {} threads have reached", which, bar.arrived, wanted);
  }
  lane_mask there = 0;
  const warp& w = *t.home;
  for (unsigned lane = 0; lane < k_warp_lanes; ++lane) {
    if ((w.existing >> lane & 1u) == 0) continue;
    const waiting_for& other = w.lanes[lane].waits;
    if (is_waiting(w.lanes[lane]) && other.what == waits.what && other.whom == waits.whom) {
      there |= lane_mask{1} << lane;
    }
  }
  const lane_mask missing = waits.whom & ~there & ~w.exited;
  return fmt::format(" of lanes {:#010x} of warp {}, of which {:#010x} have not come", waits.whom,
                     w.number, missing);
}

}  // namespace

bool is_waiting(const thread& t) {
  const warp& w = *t.home;
  return ((w.exited | w.ready | w.unstarted) & t.bit()) == 0 && t.waits.what != nullptr;
}

std::string describe_threads(const block& b) {
  // Threads that wait for the same thing are told of together.
  std::map<std::string, unsigned> groups;
  unsigned running = 0;
  for (const thread& t : b.all_threads) {
    if ((t.home->exited & t.bit()) != 0) continue;
    if (!is_waiting(t)) {
      ++running;
      continue;
    }
    const std::string place = t.waits.where.line() == 0 ? "" : " at " + text_of(t.waits.where);
    ++groups[t.waits.what + place + details(b, t)];
  }
  std::string text = fmt::format("in block {}, {} of {} threads have exited", text_of(b.index),
                                 b.threads - b.live, b.threads);
  for (const auto& [what, count] : groups) {
    text += fmt::format("; {} {} for {}", count, count == 1 ? "waits" : "wait", what);
  }
  if (running > 0) text += fmt::format("; {} can run", running);
  return text;
}

}  // namespace assay::simt::inline ASSAY_BUILD
