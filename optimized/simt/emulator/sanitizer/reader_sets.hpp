// Sets of stamps, for granules that more threads read than a cell has room for.
#pragma once

#include "optimized/simt/emulator/sanitizer/stamp.hpp"

#include <cstdint>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

// A thread has at most one stamp of each class in a set. Small sets are lists; larger ones of a
// block's threads have a place for each.
class reader_set {
 public:
  void add(stamp s);
  void append(stamp s);  // of another block: its rank means nothing
  const std::vector<stamp>& stamps() const { return stamps_; }  // 0 where there is none
  clock_tick latest() const { return latest_; }
  unsigned classes() const { return classes_; }  // that there are
  void clear();
  // Puts NOW, a plain read, in place of all that IS_REPLACED(stamp).
  template <class IsReplaced>
  void replace_all(IsReplaced is_replaced, stamp now) {
    bool any = false;
    for (stamp& s : stamps_) {
      if (!is_replaced(s)) continue;
      s = 0;
      any = true;
    }
    if (any) add(now);
  }

 private:
  static constexpr std::size_t k_list = 16;
  void spread();

  std::vector<stamp> stamps_;
  bool is_spread_ = false;
  clock_tick latest_ = 0;
  unsigned classes_ = 0;  // one bit for each there is
};

// All sets there are, by number. In place of a stamp a cell can hold the number of a set.
class reader_sets {
 public:
  static constexpr clock_tick k_set = 0xffffffffu;  // no access ever has this clock
  static bool is_set(stamp s) { return clock_of(s) == k_set; }

  stamp make();
  reader_set& of(stamp s) { return sets_[static_cast<std::uint32_t>(s)]; }
  stamp copy(stamp s);  // a set of its own, or S itself
  void drop(stamp s) {
    if (is_set(s)) release(s);
  }

 private:
  void release(stamp s);

  std::vector<reader_set> sets_;
  std::vector<std::uint32_t> unused_;
};

}  // namespace assay::simt::inline ASSAY_BUILD
