#include "optimized/simt/barrier.cuh"

#include "optimized/simt/emulator/barrier.hpp"
#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

namespace assay::simt::inline ASSAY_BUILD {
namespace {

void open(block& b, int number) {
  barrier& bar = b.barriers[static_cast<unsigned>(number)];
  for (warp& w : b.warps) wake(b, w, bar.waiting[w.number]);
  bar.result = {bar.arrived, bar.agreeing};
  bar.agreeing = bar.arrived = bar.expected = 0;
  bar.waiting = {};
}

bool is_complete(const block& b, const barrier& bar, int number) {
  return bar.arrived == (number == 0 ? b.live : bar.expected);
}

void arrive(block& b, thread& self, int number, unsigned expected, int predicate,
            std::source_location where) {
  barrier& bar = b.barriers[static_cast<unsigned>(number)];
  observe::arrives(b, self, bar, static_cast<unsigned>(number), expected, where);
  if (bar.arrived == 0) {
    bar.expected = expected;
    bar.where = where;
  }
  ++bar.arrived;
  bar.agreeing += predicate != 0 ? 1 : 0;
}

// Arrives, waits for the others, and returns how many there were.
barrier_count arrive_and_wait(int number, unsigned expected, int predicate,
                              std::source_location where) {
  maybe_preempt();
  block& b = this_block();
  thread& self = this_thread();
  barrier& bar = b.barriers[static_cast<unsigned>(number)];
  arrive(b, self, number, expected, predicate, where);
  if (is_complete(b, bar, number)) {
    observe::opens(b, bar, static_cast<unsigned>(number), &self);
    open(b, number);
  } else {
    bar.waiting[self.home->number] |= self.bit();
    suspend(self, number == 0 ? k_syncthreads : k_named_barrier, where,
            static_cast<std::uint32_t>(number));
  }
  // Nobody can have opened this barrier again: that takes this thread.
  return bar.result;
}

void check_named(int number, int threads, std::source_location where) {
  const bool good = number > 0 && number < static_cast<int>(k_barriers) && threads > 0 &&
                    threads % static_cast<int>(k_warp_lanes) == 0 &&
                    threads <= static_cast<int>(k_most_threads);
  if (good) return;
  give_up([&] {
    return fmt::format(
        "named barrier {} for {} threads at {}; expected a number from 1 to 15 (0 is "
        "__syncthreads) and a multiple of 32 threads up to 1024 (PTX: barrier)",
        number, threads, text_of(where));
  });
}

}  // namespace

void __syncthreads(std::source_location where) { arrive_and_wait(0, 0, 0, where); }

int __syncthreads_count(int predicate, std::source_location where) {
  return static_cast<int>(arrive_and_wait(0, 0, predicate, where).agreeing);
}

int __syncthreads_and(int predicate, std::source_location where) {
  const barrier_count count = arrive_and_wait(0, 0, predicate, where);
  return count.agreeing == count.arrived ? 1 : 0;
}

int __syncthreads_or(int predicate, std::source_location where) {
  return arrive_and_wait(0, 0, predicate, where).agreeing != 0 ? 1 : 0;
}

void barrier_sync(int number, int threads, std::source_location where) {
  check_named(number, threads, where);
  arrive_and_wait(number, static_cast<unsigned>(threads), 0, where);
}

void barrier_arrive(int number, int threads, std::source_location where) {
  check_named(number, threads, where);
  maybe_preempt();
  block& b = this_block();
  barrier& bar = b.barriers[static_cast<unsigned>(number)];
  arrive(b, this_thread(), number, static_cast<unsigned>(threads), 0, where);
  observe::goes_on(this_thread());
  if (is_complete(b, bar, number)) {
    observe::opens(b, bar, static_cast<unsigned>(number), nullptr);
    open(b, number);
  }
}

void complete_syncthreads_without(block& b) {
  barrier& bar = b.barriers[0];
  if (bar.arrived == 0 || bar.arrived != b.live) return;
  observe::opens(b, bar, 0, nullptr);
  open(b, 0);
}

}  // namespace assay::simt::inline ASSAY_BUILD
