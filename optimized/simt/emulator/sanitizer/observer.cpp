#include "optimized/simt/emulator/sanitizer/observer.hpp"

#include "optimized/simt/emulator/block.hpp"
#include "optimized/simt/emulator/sanitizer/describe.hpp"
#include "optimized/simt/emulator/sanitizer/sanitizer.hpp"
#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

#include <algorithm>
#include <bit>

namespace assay::simt::inline ASSAY_BUILD {

// ---- launches, blocks, threads

void observe::launch_begins(const launch_description& launch) {
  the_sanitizer().begin_launch(launch.kernel, launch.options);
}

void observe::block_begins(block& b) {
  sanitizer& all = the_sanitizer();
  if (all.renew_clock()) b.arena.forget_accesses();
  b.observed = {all.tick(), all.tick(), false};
  all.order.begin_block(b.observed.start);
  for (thread& t : b.all_threads) t.observed.begin(stamp_of(b.observed.base, t.rank));
  for (warp& w : b.warps) w.observed.log.begin(w.existing);
  for (barrier& bar : b.barriers) bar.observed.gathered = {};
}

void observe::block_ends(block& b) {
  for (warp& w : b.warps) w.observed.log.exit(w.existing, the_sanitizer().totals);
}

void observe::thread_exits(block& b, thread& t) {
  sanitizer& all = the_sanitizer();
  t.home->observed.log.exit(t.bit(), all.totals);
  if (t.copies.pending.empty()) return;
  all.report(offence::copy_not_waited_for, b, t, t.copies.pending.front().site, 0, [&] {
    return fmt::format("the thread exits without having waited for {} of its cp.async copies",
                       t.copies.pending.size());
  });
}

// ---- barriers

namespace {

// All threads of the block know of everything before now.
void meet_all(sanitizer& all, block& b) {
  b.observed.base = all.tick();
  std::shared_ptr<const foreign_knowledge> earlier;
  if (b.observed.knows_of_others) {
    for (const thread& t : b.all_threads) {
      earlier = causality::joined(earlier, t.observed.known.earlier_blocks);
    }
  }
  for (thread& t : b.all_threads) {
    t.observed.mine = stamp_of(b.observed.base, t.rank);
    t.observed.known.own_block = {};
    t.observed.known.earlier_blocks = earlier;
  }
}

// Adds what T knows, its own accesses included, to what was GATHERED; what T does from now on is
// not part of it.
void gather(sanitizer& all, const block& b, thread& t, knowledge& gathered) {
  gathered.own_block.make_own(b.threads);
  gathered.own_block.join(t.observed.known.own_block);
  gathered.own_block.set(t.rank, clock_of(t.observed.mine));
  gathered.earlier_blocks =
      causality::joined(gathered.earlier_blocks, t.observed.known.earlier_blocks);
  t.observed.mine = stamp_of(all.tick(), t.rank);
}

// Notes that T arrives at a named barrier, with the rest of its warp, which executes one
// instruction.
void note_arrival(sanitizer& all, const block& b, const thread& t, barrier& bar,
                  std::uint32_t site) {
  observe::arrival& of_warp = bar.observed.arrivals[t.home->number];
  if (of_warp.lanes == 0) of_warp.site = site;
  if (of_warp.site != site && (of_warp.lanes & t.bit()) == 0) {
    all.report(offence::different_barriers, b, t, site, of_warp.site, [&] {
      const source_line other = all.sites.line(of_warp.site);
      return fmt::format("lanes of one warp meet at different barriers: {}:{} is also waited at",
                         other.file, other.line);
    });
  }
  of_warp.lanes |= t.bit();
}

// Reports warps of which only some lanes have arrived at a named barrier. On a GPU one lane stands
// for its whole warp (PTX: barrier.sync.aligned); here threads are counted, which is the same for
// whole warps. A lane that has exited is absent too: whether it does so before or after is a matter
// of chance.
void report_partial_warps(const block& b, const barrier& bar, unsigned number) {
  sanitizer& all = the_sanitizer();
  for (const warp& w : b.warps) {
    const observe::arrival& of_warp = bar.observed.arrivals[w.number];
    const lane_mask absent = w.existing & ~of_warp.lanes;
    if (of_warp.lanes == 0 || absent == 0) continue;
    const thread& t = w.lanes[std::countr_zero(of_warp.lanes)];
    all.report(offence::partial_warp, b, t, of_warp.site, 0, [&] {
      return fmt::format(
          "lanes {:#010x} of warp {} take no part in barrier {}, which counts whole warps", absent,
          w.number, number);
    });
  }
}

// __syncthreads opens, and some threads have exited without it.
[[gnu::cold, gnu::noinline]] void report_exited_threads(sanitizer& all, const block& b,
                                                        const barrier& bar) {
  const auto first = std::find_if(b.all_threads.begin(), b.all_threads.end(),
                                  [](const thread& t) { return (t.home->exited & t.bit()) != 0; });
  all.report(offence::barrier_after_exit, b, *first, all.sites.number(bar.where), 0, [&] {
    return fmt::format(
        "the barrier opens for {} threads only because the other {} of the block have "
        "exited without it",
        bar.arrived, b.threads - bar.arrived);
  });
}

}  // namespace

void observe::arrives(block& b, thread& t, barrier& bar, unsigned number, unsigned expected,
                      std::source_location where) {
  sanitizer& all = the_sanitizer();
  const std::uint32_t site = all.sites.number(where);
  if (bar.arrived > 0) {
    const std::uint32_t other = all.sites.number(bar.where);
    if (number == 0 && site != other) {
      all.report(offence::different_barriers, b, t, site, other, [&] {
        return fmt::format("threads of one block meet at different barriers: {} is also waited at",
                           text_of(bar.where));
      });
    }
    if (expected != bar.expected) {
      all.report(offence::different_thread_counts, b, t, site, other, [&] {
        return fmt::format("barrier {} for {} threads; others have arrived at it for {}", number,
                           expected, bar.expected);
      });
    }
  }
  if (number == 0) return;
  note_arrival(all, b, t, bar, site);
  gather(all, b, t, bar.observed.gathered);
}

void observe::goes_on(thread& t) { t.home->observed.log.pass(t.bit(), the_sanitizer().totals); }

void observe::opens(block& b, barrier& bar, unsigned number, const thread* last) {
  sanitizer& all = the_sanitizer();
  ++all.totals.barriers;
  if (number == 0) {
    if (bar.arrived != b.threads) report_exited_threads(all, b, bar);
    meet_all(all, b);
  } else {
    report_partial_warps(b, bar, number);
  }
  for (warp& w : b.warps) {
    lane_mask lanes = bar.waiting[w.number];
    if (last != nullptr && last->home == &w) lanes |= last->bit();
    if (lanes == 0) continue;
    w.observed.log.pass(lanes, all.totals);
    if (number == 0) continue;
    for (; lanes != 0; lanes &= lanes - 1) {
      w.lanes[std::countr_zero(lanes)].observed.known = bar.observed.gathered;
    }
  }
  if (number != 0) {
    b.observed.knows_of_others |= bar.observed.gathered.earlier_blocks != nullptr;
    bar.observed = {};
  }
}

void observe::deadlocks(block& b, const std::string& message) {
  sanitizer& all = the_sanitizer();
  for (unsigned number = 1; number < k_barriers; ++number) {
    report_partial_warps(b, b.barriers[number], number);
  }
  for (const thread& t : b.all_threads) {
    if (!is_waiting(t)) continue;
    all.report(offence::deadlock, b, t, all.sites.number(t.waits.where), 0,
               [&] { return message; });
    return;
  }
}

// ---- collectives

namespace {

void report_exited(const block& b, const warp& w, const thread& t, collective kind,
                   std::uint32_t named, std::source_location where) {
  sanitizer& all = the_sanitizer();
  all.report(offence::exited_lane_named, b, t, all.sites.number(where), 0, [&] {
    return fmt::format("the mask {:#010x} of {} names lanes that have exited: {:#010x}", named,
                       name_of(kind), named & w.exited);
  });
}

}  // namespace

void observe::goes_on_without(block& b, warp& w, collective kind, std::uint32_t named,
                              std::uint32_t arrived) {
  const thread& t = w.lanes[std::countr_zero(arrived)];
  report_exited(b, w, t, kind, named, t.waits.where);
}

void observe::calls(warp& w, thread& t, collective kind, std::uint32_t named,
                    std::source_location where) {
  t.waits.set(name_of(kind), where, named);
  sanitizer& all = the_sanitizer();
  const block& b = this_block();
  if ((named & t.bit()) == 0) {
    all.report(offence::caller_not_named, b, t, all.sites.number(where), 0, [&] {
      return fmt::format("{} by lane {}, which its mask {:#010x} does not name", name_of(kind),
                         t.lane, named);
    });
  }
  if ((named & w.exited) != 0) report_exited(b, w, t, kind, named, where);
  const lane_mask lanes = (named & w.existing) | t.bit();
  for (std::uint32_t open = w.open; open != 0; open &= open - 1) {
    const meeting& m = w.meetings[static_cast<unsigned>(std::countr_zero(open))];
    if (m.named != lanes || m.kind == kind) continue;
    const thread& other = w.lanes[std::countr_zero(m.arrived)];
    all.report(offence::different_collectives, b, t, all.sites.number(where),
               all.sites.number(other.waits.where), [&] {
                 return fmt::format(
                     "lanes disagree: lane {} calls {} where lane {} calls {}, both for "
                     "lanes {:#010x}",
                     t.lane, name_of(kind), other.lane, name_of(m.kind), lanes);
               });
  }
}

void observe::meets(block& b, warp& w, collective kind, std::uint32_t lanes) {
  sanitizer& all = the_sanitizer();
  ++all.totals.collectives;
  if (kind == collective::mma_bf16 || kind == collective::mma_fp16) {
    all.totals.tensor_core_flops += 2 * 16 * 8 * 16;
  }
  w.observed.log.pass(lanes, all.totals);
  if (kind != collective::syncwarp) return;  // the others order no memory
  knowledge gathered;
  for (lane_mask left = lanes; left != 0; left &= left - 1) {
    thread& t = w.lanes[std::countr_zero(left)];
    gather(all, b, t, gathered);
  }
  for (lane_mask left = lanes; left != 0; left &= left - 1) {
    w.lanes[std::countr_zero(left)].observed.known = gathered;
  }
}

void observe::reads_absent_lane(thread& t, unsigned from, collective kind) {
  sanitizer& all = the_sanitizer();
  all.report(
      offence::read_of_absent_lane, this_block(), t, all.sites.number(t.waits.where), 0, [&] {
        return fmt::format("{} reads lane {}, which takes no part in it", name_of(kind), from);
      });
}

void observe::fences(thread& t, bool device_wide) {
  the_sanitizer().order.fence(this_block(), t, device_wide);
}

}  // namespace assay::simt::inline ASSAY_BUILD
