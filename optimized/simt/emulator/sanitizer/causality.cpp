#include "optimized/simt/emulator/sanitizer/causality.hpp"

#include "optimized/simt/emulator/block.hpp"
#include "optimized/simt/emulator/sanitizer/sanitizer.hpp"

#include <algorithm>

namespace assay::simt::inline ASSAY_BUILD {

void causality::begin_launch() {
  block_starts_.clear();
  logs_.clear();
  releases_.clear();
}

std::size_t causality::block_of(stamp s) const {
  const auto after = std::upper_bound(block_starts_.begin(), block_starts_.end(), clock_of(s));
  return static_cast<std::size_t>(after - block_starts_.begin()) - 1;
}

void causality::fence(block& b, thread& t, bool device_wide) {
  causal_state& state = t.observed.causal();
  for (const log_view& seen : state.seen) acquire(b, t, seen, device_wide);
  if (device_wide) state.seen.clear();
  state.has_fenced = true;
  state.at_fence = {b.observed.start, b.observed.base, clock_of(t.observed.mine),
                    t.rank,           device_wide,     t.observed.known};
  // What the thread does from now on is not released by this fence.
  t.observed.mine = stamp_of(the_sanitizer().tick(), t.rank);
}

void causality::atomic(block& b, thread& t, const void* location) {
  const bool releases = t.observed.has_causal() && t.observed.causal().has_fenced;
  if (!releases && logs_.empty()) return;  // most kernels
  std::unique_ptr<release_log>& log = logs_[location];
  if (log == nullptr) log = std::make_unique<release_log>();
  causal_state& state = t.observed.causal();
  if (!log->releases.empty()) {
    const log_view seen{log.get(), log->releases.size()};
    const auto known = std::find_if(state.seen.begin(), state.seen.end(),
                                    [&](const log_view& v) { return v.log == log.get(); });
    if (known == state.seen.end()) {
      state.seen.push_back(seen);
    } else {
      *known = seen;
    }
  }
  if (!releases) return;
  const release& r = state.at_fence;
  const bool is_repeated = !log->releases.empty() &&
                           log->releases.back().block_start == b.observed.start &&
                           log->releases.back().rank == r.rank && log->releases.back().own == r.own;
  if (is_repeated) return;
  if (r.known.earlier_blocks != nullptr) log->with_more.push_back(log->releases.size());
  log->releases.push_back(r);
  if (r.device_wide) releases_.push_back(the_sanitizer().now());
}

void causality::acquire(block& b, thread& t, const log_view& seen, bool device_wide) {
  knowledge& known = t.observed.known;
  const auto& releases = seen.log->releases;
  bool from_earlier = false;
  for (std::size_t i = seen.count; i-- > 0;) {
    const release& r = releases[i];
    if (r.block_start != b.observed.start) {
      from_earlier = true;  // and so are all before it
      break;
    }
    known.own_block.make_own(b.threads);
    known.own_block.join(r.known.own_block);
    known.own_block.set(r.rank, std::max(known.own_block.of(r.rank), r.own));
    known.earlier_blocks = joined(known.earlier_blocks, r.known.earlier_blocks);
  }
  if (!from_earlier || !device_wide) return;
  known.earlier_blocks = joined(
      known.earlier_blocks, std::make_shared<const foreign_knowledge>(foreign_knowledge{{seen}}));
  b.observed.knows_of_others = true;
}

std::shared_ptr<const foreign_knowledge> causality::joined(
    const std::shared_ptr<const foreign_knowledge>& a,
    const std::shared_ptr<const foreign_knowledge>& b) {
  if (a == nullptr || a == b) return b;
  if (b == nullptr) return a;
  auto both = std::make_shared<foreign_knowledge>(*a);
  for (const log_view& view : b->views) {
    const auto known = std::find_if(both->views.begin(), both->views.end(),
                                    [&](const log_view& v) { return v.log == view.log; });
    if (known == both->views.end()) {
      both->views.push_back(view);
    } else {
      known->count = std::max(known->count, view.count);
    }
  }
  return both;
}

bool causality::covers(const release& r, stamp s) const {
  const clock_tick when = clock_of(s);
  if (when < r.base) return true;
  if (rank_of(s) == r.rank) return when <= r.own;
  return !r.known.own_block.empty() && when <= r.known.own_block.of(rank_of(s));
}

bool causality::knows(const foreign_knowledge& known, clock_tick start, stamp s) const {
  for (const log_view& view : known.views) {
    const auto first = view.log->releases.begin();
    const auto last = first + static_cast<std::ptrdiff_t>(view.count);
    auto r = std::lower_bound(first, last, start,
                              [](const release& a, clock_tick b) { return a.block_start < b; });
    for (; r != last && r->block_start == start; ++r) {
      if (r->device_wide && covers(*r, s)) return true;
    }
    for (const std::size_t i : view.log->with_more) {
      if (i >= view.count) break;
      const release& more = view.log->releases[i];
      if (more.device_wide && knows(*more.known.earlier_blocks, start, s)) return true;
    }
  }
  return false;
}

bool causality::knows(const thread& t, stamp s) const {
  const auto& known = t.observed.known.earlier_blocks;
  return known != nullptr && knows(*known, block_starts_[block_of(s)], s);
}

bool causality::can_be_known(stamp s) const {
  const auto later = std::lower_bound(releases_.begin(), releases_.end(), clock_of(s));
  if (later == releases_.end()) return false;
  const std::size_t next = block_of(s) + 1;
  return next >= block_starts_.size() || *later < block_starts_[next];
}

}  // namespace assay::simt::inline ASSAY_BUILD
