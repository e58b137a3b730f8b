#include "optimized/simt/emulator/scheduler.hpp"

#include "optimized/simt/emulator/barrier.hpp"
#include "optimized/simt/emulator/text.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace assay::simt::inline ASSAY_BUILD {

constinit thread_local place here{nullptr, nullptr};

namespace {

// A fuzzed schedule preempts at one in so many of the places where it may.
constexpr unsigned k_preempt_one_in = 16;

// The lowest set bit of MASK at or after FROM, going round.
unsigned next_bit(std::uint32_t mask, unsigned from) {
  const std::uint32_t after = mask & (~std::uint32_t{0} << (from & 31u));
  return static_cast<unsigned>(std::countr_zero(after != 0 ? after : mask));
}

unsigned nth_bit(std::uint32_t mask, unsigned n) {
  while (n-- > 0) mask &= mask - 1;
  return static_cast<unsigned>(std::countr_zero(mask));
}

thread& take(block& b, warp& w, unsigned lane) {
  const lane_mask bit = lane_mask{1} << lane;
  w.ready &= ~bit;
  w.last_run = lane;
  if (w.runnable() == 0) b.runnable &= ~(warp_mask{1} << w.number);
  return w.lanes[lane];
}

thread& take_random(block& b) {
  warp& w = b.warps[nth_bit(b.runnable, b.random.below(std::popcount(b.runnable)))];
  const lane_mask lanes = w.runnable();
  return take(b, w, nth_bit(lanes, b.random.below(std::popcount(lanes))));
}

// Program order: a warp goes on until none of its lanes can, lanes that have begun before the
// others, so that its collectives complete; then comes the next warp.
thread& take_in_order(block& b, unsigned warp_number) {
  warp& w = b.warps[next_bit(b.runnable, warp_number)];
  if (w.ready != 0) return take(b, w, next_bit(w.ready, w.last_run));
  return take(b, w, next_bit(w.unstarted, 0));
}

// The next thread to run, or null. AFTER has just stopped; its warp goes on, unless it is time to
// MOVE_ON.
thread* choose(block& b, const thread& after, bool move_on) {
  if (b.runnable == 0) return nullptr;
  if (b.is_fuzzed) return &take_random(b);
  return &take_in_order(b, after.home->number + (move_on ? 1 : 0));
}

bool has_started(const thread& t) { return (t.home->unstarted & t.bit()) == 0; }

void run_threads(fiber& self);

fiber& idle_fiber(block& b) {
  if (b.idle_fibers.empty()) {
    const auto number = static_cast<unsigned>(b.fibers.size());
    b.fibers.push_back(std::make_unique<fiber>(number, run_threads));
    return *b.fibers.back();
  }
  fiber* idle = b.idle_fibers.back();
  b.idle_fibers.pop_back();
  return *idle;
}

// Gives NEXT, which has not started, the stack ON.
void start_on(block& b, thread& next, fiber& on) {
  warp& w = *next.home;
  w.unstarted &= ~next.bit();
  if (w.runnable() == 0) b.runnable &= ~(warp_mask{1} << w.number);
  next.on = &on;
  next.spins = 0;
  on.tenant = &next;
}

// NEXT is to run now: here.thread says so, and it has a stack.
thread& ready_to_run(block& b, thread& next) {
  if (!has_started(next)) start_on(b, next, idle_fiber(b));
  here.thread = &next;
  return next;
}

[[gnu::cold, gnu::noinline, noreturn]] void give_up_deadlocked(block& b) {
  give_up([&] {
    std::string message = "deadlock: " + describe_threads(b);
    observe::deadlocks(b, message);
    return message;
  });
}

[[gnu::cold, gnu::noinline]] void look_at_clock(block& b) {
  b.patience = k_patience;
  if (std::chrono::steady_clock::now() < b.launch->deadline) return;
  give_up([&] {
    return fmt::format("the time limit of {} s was reached: {}",
                       b.launch->options.time_limit_seconds, describe_threads(b));
  });
}

// True now and then, after a look at the clock: warps that keep each other busy must neither run
// for ever nor keep others from running.
bool patience_ends(block& b) {
  if (--b.patience > 0) return false;
  look_at_clock(b);
  return true;
}

void exit_thread(block& b, thread& t) {
  warp& w = *t.home;
  w.exited |= t.bit();
  --b.live;
  observe::thread_exits(b, t);
  t.copies.reset();  // copies that nobody waited for never land
  if (w.open != 0) complete_collectives_without(b, w);
  if (b.barriers[0].arrived != 0) complete_syncthreads_without(b);
}

// Runs threads, one after the other, until none is left to start; leaves only for another fiber.
[[noreturn]] void run_threads_of(block& b, fiber& self) {
  for (;;) {
    thread& t = *static_cast<thread*>(self.tenant);
    b.launch->invoke(b.launch->arguments.get());
    exit_thread(b, t);
    thread* next = choose(b, t, false);
    if (next != nullptr && !has_started(*next)) {  // on this stack, which is free now
      start_on(b, *next, self);
      here.thread = next;
      continue;
    }
    if (next == nullptr && b.live > 0) give_up_deadlocked(b);
    b.idle_fibers.push_back(&self);
    if (next != nullptr) {
      self.switch_to(*ready_to_run(b, *next).on);
    } else {
      self.switch_to(b.native);
    }
  }
}

// What every fiber does. No exception may leave it: what a kernel throws (nothing, by itself, but
// memory or stacks can run out while it runs) stops the launch.
void run_threads(fiber& self) {
  block& b = this_block();
  try {
    run_threads_of(b, self);
  } catch (const std::exception& e) {
    b.fault = e.what();
  }
  self.switch_to(b.native);  // outside of the handler: the exception is over
  std::abort();              // an abandoned fiber is never resumed
}

std::size_t describe_whereabouts(char* text, std::size_t room) {
  if (here.thread == nullptr) return 0;
  const uint3 t = here.thread->index;
  const uint3 b = here.block->index;
  const std::string kernel = kernel_name(this_block().launch->kernel);
  const int length = std::snprintf(text, room, "%s, block (%u,%u,%u) thread (%u,%u,%u)",
                                   kernel.c_str(), b.x, b.y, b.z, t.x, t.y, t.z);
  return length < 0 ? 0 : std::min(static_cast<std::size_t>(length), room - 1);
}

// After a fault: whatever was running is gone.
void restart_fibers(block& b) {
  b.idle_fibers.clear();
  for (const auto& f : b.fibers) {
    f->restart();
    b.idle_fibers.push_back(f.get());
  }
  for (thread& t : b.all_threads) t.copies.reset();
}

// The block that runs here, until it has run or an exception says that it cannot.
class inside_of {
 public:
  explicit inside_of(block& b) { here.block = &b; }
  ~inside_of() { here = outside_; }
  inside_of(const inside_of&) = delete;
  inside_of& operator=(const inside_of&) = delete;

 private:
  place outside_ = here;
};

}  // namespace

void begin_launch(block& b, const launch_description& launch) {
  b.launch = &launch;
  b.is_fuzzed = launch.options.schedule != 0;
  b.grid = launch.grid;
  lay_out_threads(b, launch.block);
  b.arena.begin_launch(launch.dynamic_shared_bytes);
  b.fault.clear();
  report_stack_overflow(describe_whereabouts);
}

void run_block(block& b, std::uint64_t number) {
  const inside_of inside(b);
  reset(b, number);
  thread& first = b.is_fuzzed ? take_random(b) : take_in_order(b, 0);
  b.native.switch_to(*ready_to_run(b, first).on);
  if (!b.fault.empty()) restart_fibers(b);
  observe::block_ends(b);
}

thread& next_thread(thread& self) {
  block& b = this_block();
  warp& w = *self.home;
  // The usual case, in few instructions: another lane of the same warp goes on.
  if (w.ready != 0 && !b.is_fuzzed && b.patience > 1) {
    --b.patience;
    thread& next = take(b, w, next_bit(w.ready, self.lane + 1u));
    here.thread = &next;
    return next;
  }
  thread* next = choose(b, self, patience_ends(b));
  if (next == nullptr) give_up_deadlocked(b);
  return ready_to_run(b, *next);
}

void wake(block& b, warp& w, lane_mask lanes) {
  if (lanes == 0) return;
  w.ready |= lanes;
  b.runnable |= warp_mask{1} << w.number;
}

void yield() {
  block& b = this_block();
  thread& self = this_thread();
  warp& w = *self.home;
  patience_ends(b);
  self.spins = 0;
  self.waits = {};
  if (b.runnable == 0) return;
  thread* next = nullptr;
  if (b.is_fuzzed) {
    wake(b, w, self.bit());
    next = &take_random(b);
  } else {
    warp& other = b.warps[next_bit(b.runnable, w.number + 1)];
    next = &take(b, other, next_bit(other.runnable(), other.last_run + 1));
    wake(b, w, self.bit());
  }
  if (next == &self) return;
  self.on->switch_to(*ready_to_run(b, *next).on);
}

void preempt() {
  if (this_block().random.below(k_preempt_one_in) == 0) yield();
}

void abandon_block() {
  this_thread().on->switch_to(this_block().native);
  std::abort();  // an abandoned fiber is never resumed
}

}  // namespace assay::simt::inline ASSAY_BUILD
