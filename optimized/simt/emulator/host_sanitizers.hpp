// What AddressSanitizer and ThreadSanitizer must be told about fibers. Without them, nothing.
//
// ThreadSanitizer watches the workers: to it, a switch orders what the two fibers do, since they
// take turns on one worker, and two blocks that run on different workers are ordered by nothing but
// the launch and atomics. Races within a block are the sanitized build's own to find.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define ASSAY_HOST_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define ASSAY_HOST_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASSAY_HOST_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define ASSAY_HOST_THREAD_SANITIZER
#endif
#endif

#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(ASSAY_HOST_THREAD_SANITIZER)
#include <csignal>
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}
#endif

namespace assay::simt::host_sanitizers {

// While it lives, SIGINT and SIGTERM wait, or go to another thread. ThreadSanitizer puts a signal
// off until the thread calls something that it intercepts, and keeps it with the fiber that was
// running: one that comes in a kernel would come when that fiber is used again, or never.
class held_interrupts {
 public:
  held_interrupts() {
#if defined(ASSAY_HOST_THREAD_SANITIZER)
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
#endif
  }
  held_interrupts(const held_interrupts&) = delete;
  held_interrupts& operator=(const held_interrupts&) = delete;
#if defined(ASSAY_HOST_THREAD_SANITIZER)
  ~held_interrupts() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
#endif
};

// The identity of a fiber towards both tools.
class fiber_identity {
 public:
  fiber_identity() = default;
  fiber_identity(const fiber_identity&) = delete;
  fiber_identity& operator=(const fiber_identity&) = delete;
  ~fiber_identity() { forget(); }

  // A fiber with a stack of its own (as against an operating system thread's own stack).
  void begin([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) {
    bottom_ = bottom;
    bytes_ = bytes;
#if defined(ASSAY_HOST_THREAD_SANITIZER)
    thread_ = __tsan_create_fiber(0);
    owned_ = true;
#endif
  }

  // What ran on the stack never returns: its frames are gone.
  void forget() {
#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
    if (bottom_ != nullptr && owned_stack()) __asan_unpoison_memory_region(bottom_, bytes_);
    fake_stack_ = nullptr;
#endif
#if defined(ASSAY_HOST_THREAD_SANITIZER)
    if (owned_) __tsan_destroy_fiber(thread_);
    owned_ = false;
#endif
  }

  // Just before the switch, on the stack that is left.
  [[gnu::always_inline]] void leave_for([[maybe_unused]] fiber_identity& next) {
#if defined(ASSAY_HOST_THREAD_SANITIZER)
    if (!owned_) thread_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(next.thread_, 0 /* the switch orders */);
#endif
#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(&fake_stack_, next.bottom_, next.bytes_);
#endif
  }

  // Just after the switch, on the stack that is entered.
  [[gnu::always_inline]] void arrive_from([[maybe_unused]] fiber_identity& previous) {
#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
    if (previous.bottom_ == nullptr) {  // an operating system thread's stack: now it is known
      previous.bottom_ = const_cast<void*>(bottom);
      previous.bytes_ = bytes;
      previous.native_ = true;
    }
#endif
  }

 private:
#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
  bool owned_stack() const { return !native_; }
  void* fake_stack_ = nullptr;
  bool native_ = false;
#endif
  [[maybe_unused]] void* bottom_ = nullptr;
  [[maybe_unused]] std::size_t bytes_ = 0;
#if defined(ASSAY_HOST_THREAD_SANITIZER)
  void* thread_ = nullptr;
  bool owned_ = false;
#endif
};

}  // namespace assay::simt::host_sanitizers
