// Who runs next. A worker runs one block at a time; the block's threads are fibers that run until
// they wait for something. A thread that finishes hands its stack to the next one that has not
// started, so a kernel without barriers hardly switches at all.
#pragma once

#include "optimized/simt/emulator/block.hpp"

#include <string>

namespace assay::simt::inline ASSAY_BUILD {

// Readies a worker's block for the launch, then runs block NUMBER of the grid on it. Returns when
// all its threads have exited, or block::fault says why it was given up.
void begin_launch(block& b, const launch_description& launch);
void run_block(block& b, std::uint64_t number);

// Who is to run now that SELF has stopped, with a stack to run on; here.thread is already set to
// it. Gives the launch up as deadlocked if nobody can run.
thread& next_thread(thread& self);

// Stops the running thread until somebody wakes it.
[[gnu::always_inline]] inline void suspend(thread& self, const char* what,
                                           std::source_location where, std::uint32_t whom) {
  self.waits.set(what, where, whom);
  thread& next = next_thread(self);
  self.on->switch_to(*next.on);
}

// The lanes in LANES of W can run again.
void wake(block& b, warp& w, lane_mask lanes);

// Lets others run, other warps first: for threads that spin.
void yield();

// Called where a fuzzed schedule may change its mind. Program order never does.
void preempt();
inline void maybe_preempt() {
  if (this_block().is_fuzzed) preempt();
}

// Gives the launch up: what MESSAGE() returns is reported by whoever waits for it. Does not return,
// and destroys nothing that the thread has on its stack: hence a function, whose own temporaries
// are gone.
[[noreturn]] void abandon_block();
template <class Message>
[[noreturn]] void give_up(Message message) {
  this_block().fault = message();
  abandon_block();
}

// An assertion_handler (assert.hpp) for the kernels of this build (trap.cpp).
void fail_assertion(const char* assertion, const char* file, unsigned line);

// Does T wait for something that has not happened (threads.cpp)?
bool is_waiting(const thread& t);
// Who waits where and for what (threads.cpp).
std::string describe_threads(const block& b);

}  // namespace assay::simt::inline ASSAY_BUILD
