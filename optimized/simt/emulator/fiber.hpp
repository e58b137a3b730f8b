// A fiber: a stack that the emulator switches to and from by hand. Every CUDA thread runs on one.
// Only this and fiber.cpp know Boost.Context, of which they use the bare jump: its fiber class
// costs more, and crashes under ThreadSanitizer.
#pragma once

#include "optimized/simt/emulator/host_sanitizers.hpp"

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>

namespace assay::simt {

class fiber {
 public:
  using routine = void (*)(fiber& self);  // never returns

  // The stack of the operating system thread that calls this.
  fiber();
  // A stack of its own, NUMBER-th of its worker (neighbours start at different offsets in a page,
  // so that their hottest lines do not compete for the same cache sets). Throws error when the
  // system has no more memory mappings to give.
  fiber(unsigned number, routine run);
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  // Called on *this, which is what runs now; returns when somebody switches back. Inline, because
  // the fewer frames a waiting thread has, the more waiting threads fit into the cache.
  [[gnu::always_inline]] void switch_to(fiber& next) noexcept {
    hop there{this, &next};
    identity_.leave_for(next.identity_);
    settle(boost::context::detail::jump_fcontext(next.context_, &there));
  }

  // Forgets what was running on this fiber, and readies it to run its routine from the start.
  void restart() noexcept;

  void* tenant = nullptr;  // whatever the routine is to work on

 private:
  struct hop {
    fiber* from;
    fiber* to;
  };
  // Just after a switch: whoever came here left word of itself on its own stack.
  [[gnu::always_inline]] static fiber& settle(boost::context::detail::transfer_t arrival) noexcept {
    const hop& here = *static_cast<hop*>(arrival.data);
    fiber& self = *here.to;
    here.from->context_ = arrival.fctx;
    self.identity_.arrive_from(here.from->identity_);
    return self;
  }

  void* context_ = nullptr;
  routine run_ = nullptr;
  std::byte* mapping_ = nullptr;
  std::size_t colour_ = 0;
  host_sanitizers::fiber_identity identity_;
};

// Writes who is running on this operating system thread, for the message about a stack overflow.
// Called from a signal handler. Returns the number of characters.
using whereabouts = std::size_t (*)(char* text, std::size_t room);

// From now on a fiber of this operating system thread that runs off the end of its stack says so,
// with WHO, before the process dies of it.
void report_stack_overflow(whereabouts who);

}  // namespace assay::simt
