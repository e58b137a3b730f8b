#include "optimized/simt/emulator/sanitizer/race.hpp"

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// Of accesses by earlier blocks, so many are kept for a granule. (More are only there in kernels
// that release something in every block; a race with one of the rest can then go unseen.)
constexpr std::size_t k_most_earlier = 256;

bool same_class(stamp a, stamp b) { return class_of(a) == class_of(b); }

}  // namespace

bool cell_access::is_ordered(stamp s) const {
  if (is_over(s)) return true;
  if ((s & k_async) != 0) return false;  // on its way: even its own thread must wait
  if (!is_of_this_block(s)) return all_.order.knows(thread_, s);
  if (clock_of(s) < block_.observed.base || rank_of(s) == thread_.rank) return true;
  const vector_clock& known = thread_.observed.known.own_block;
  return !known.empty() && clock_of(s) <= known.of(rank_of(s));
}

// The first reader of one of the CLASSES that is not ordered before the thread.
conflict cell_access::find_unordered(cell& c, unsigned classes) const {
  const auto is_race = [&](stamp s) { return s != 0 && is_one_of(s, classes) && !is_ordered(s); };
  for (const stamp slot : {c.earlier, c.readers[0], c.readers[1]}) {
    if (!reader_sets::is_set(slot)) {
      if (is_race(slot)) return {slot, false};
      continue;
    }
    const reader_set& set = all_.sets.of(slot);
    if ((set.classes() & classes) == 0) continue;
    for (const stamp s : set.stamps()) {
      if (is_race(s)) return {s, false};
    }
  }
  return {};
}

conflict cell_access::find_unordered_write(const cell& c) const {
  const stamp s = c.write & ~(k_initialised | k_pending);
  return is_ordered(s) ? conflict{} : conflict{s, true};
}

conflict cell_access::write(cell& c, std::uint32_t site) {
  conflict race = find_unordered_write(c);
  if (race.with == 0 && (c.earlier | c.readers[0] | c.readers[1]) != 0) {
    race = find_unordered(c, k_plain_class | k_atomic_class | k_async_class);
  }
  all_.sets.drop(c.earlier);
  all_.sets.drop(c.readers[1]);
  c = {thread_.observed.mine | site | k_initialised, 0, {0, 0}};
  return race;
}

conflict cell_access::atomic(cell& c, std::uint32_t site) {
  const conflict race = find_unordered(c, k_plain_class | k_async_class);
  const conflict with_write = add_reader(c, thread_.observed.mine | k_atomic | site);
  if (!is_initialised(c)) {
    // Written from now on. Of shared memory that takes a time in this block: one before all else.
    if (is_shared_) c.write = stamp_of(block_.observed.start, thread_.rank) | site;
    c.write |= k_initialised;
  }
  return race.with != 0 ? race : with_write;
}

conflict cell_access::start_copy_to(cell& c, std::uint32_t site) {
  const conflict race = write(c, site);
  c.write |= k_pending;
  return race;
}

void cell_access::land_copy_to(cell& c, std::uint32_t site) {
  // For other threads the copy happens at the wait: what orders them must come after it.
  c.write = thread_.observed.mine | site | k_initialised;
}

void cell_access::land_copy_from(cell& c, std::uint32_t site) {
  const stamp now = thread_.observed.mine | site;
  const auto is_mine = [&](stamp s) {
    return class_of(s) == class_of(k_async) && rank_of(s) == thread_.rank;
  };
  for (stamp& slot : c.readers) {
    if (!reader_sets::is_set(slot)) {
      if (is_mine(slot)) slot = now;
      continue;
    }
    all_.sets.of(slot).replace_all(is_mine, now);
  }
}

// Returns what MINE races with: the plain write, or, of a plain read, an atomic.
conflict cell_access::add_reader(cell& c, stamp mine) {
  conflict race = find_unordered_write(c);
  if (c.earlier == 0 && c.readers[1] == 0) {  // most cells
    stamp& only = c.readers[0];
    const bool replaces = only == 0 || is_over(only) ||
                          (is_of_this_block(only) && same_class(only, mine) && is_ordered(only));
    if (replaces) {
      only = mine;
      return race;
    }
  }
  if (race.with == 0 && !is_atomic(mine)) race = find_unordered(c, k_atomic_class);
  set_aside_earlier_blocks(c);
  if (!reader_sets::is_set(c.readers[1])) {
    for (stamp& slot : c.readers) {
      if (slot == 0 || (same_class(slot, mine) && is_ordered(slot))) {
        slot = mine;
        return race;
      }
    }
  }
  add_to_full(c, mine);
  return race;
}

// A set for readers that do not fit. It is no longer needed once all in it is known to the whole
// block and MINE takes its place.
void cell_access::add_to_full(cell& c, stamp mine) {
  if (!reader_sets::is_set(c.readers[1])) {
    const stamp made = all_.sets.make();
    all_.sets.of(made).add(c.readers[1]);
    c.readers[1] = made;
  }
  reader_set& set = all_.sets.of(c.readers[1]);
  const bool is_old = set.latest() < block_.observed.base &&
                      set.classes() == 1u << class_of(mine) && same_class(c.readers[0], mine) &&
                      is_ordered(c.readers[0]);
  if (is_old) {
    all_.sets.drop(c.readers[1]);
    c.readers[0] = mine;
    c.readers[1] = 0;
  } else if (rank_of(c.readers[0]) == rank_of(mine) && same_class(c.readers[0], mine)) {
    c.readers[0] = mine;
  } else {
    set.add(mine);
  }
}

// Readers of earlier blocks make room for those of this block.
void cell_access::set_aside_earlier_blocks(cell& c) {
  const clock_tick last_earlier =
      reader_sets::is_set(c.earlier) ? all_.sets.of(c.earlier).latest() : clock_of(c.earlier);
  if (last_earlier < floor_) {
    all_.sets.drop(c.earlier);
    c.earlier = 0;
  }
  if (reader_sets::is_set(c.readers[1])) {
    reader_set& set = all_.sets.of(c.readers[1]);
    if (set.latest() >= block_.observed.start) return;
    for (const stamp s : std::vector<stamp>(set.stamps())) set_aside(c, s);
    all_.sets.drop(c.readers[1]);
    c.readers[1] = 0;
  } else if (c.readers[1] != 0 && !is_of_this_block(c.readers[1])) {
    set_aside(c, c.readers[1]);
    c.readers[1] = 0;
  }
  if (c.readers[0] != 0 && !is_of_this_block(c.readers[0])) {
    set_aside(c, c.readers[0]);
    c.readers[0] = c.readers[1];
    c.readers[1] = 0;
  }
}

// Keeps S, of an earlier block, unless what is kept already races with whatever S could race with:
// an access of the same class that nobody can ever know of.
void cell_access::set_aside(cell& c, stamp s) {
  if (s == 0 || is_over(s)) return;
  const auto says_it_all = [&](stamp kept) {
    return same_class(kept, s) && !all_.order.can_be_known(kept);
  };
  if (c.earlier == 0) {
    c.earlier = s;
    return;
  }
  if (!reader_sets::is_set(c.earlier)) {
    if (says_it_all(c.earlier)) return;
    if (same_class(c.earlier, s) && !all_.order.can_be_known(s)) {
      c.earlier = s;
      return;
    }
    const stamp made = all_.sets.make();
    all_.sets.of(made).append(c.earlier);
    c.earlier = made;
  }
  reader_set& set = all_.sets.of(c.earlier);
  for (const stamp kept : set.stamps()) {
    if (says_it_all(kept)) return;
  }
  if (set.stamps().size() < k_most_earlier) set.append(s);
}

}  // namespace assay::simt::inline ASSAY_BUILD
