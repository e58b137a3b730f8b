// What AddressSanitizer and ThreadSanitizer must be told about fibers. Without them, nothing.
//
// Under ThreadSanitizer the emulator itself is compiled without instrumentation (its fibers share
// state by taking turns, which ThreadSanitizer cannot know); CMake then defines
// ASSAY_HOST_THREAD_SANITIZER. Kernels are instrumented, every CUDA thread is a thread of its own to
// the tool, and the edges announced here are all the order there is between them.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define ASSAY_HOST_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASSAY_HOST_ADDRESS_SANITIZER
#endif
#endif

#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(ASSAY_HOST_THREAD_SANITIZER)
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void __tsan_read_range(void* address, unsigned long bytes);
void __tsan_write_range(void* address, unsigned long bytes);
}
#endif

namespace assay::simt::host_sanitizers {

#if defined(ASSAY_HOST_THREAD_SANITIZER)
inline constexpr bool k_thread_sanitizer = true;
// Everything that was released at ADDRESS happens before what follows its acquisition.
inline void acquire(const void* address) { __tsan_acquire(const_cast<void*>(address)); }
inline void release(const void* address) { __tsan_release(const_cast<void*>(address)); }
inline void reads(const void* address, std::size_t bytes) {
  __tsan_read_range(const_cast<void*>(address), bytes);
}
inline void writes(void* address, std::size_t bytes) { __tsan_write_range(address, bytes); }
#else
inline constexpr bool k_thread_sanitizer = false;
inline void acquire(const void*) {}
inline void release(const void*) {}
inline void reads(const void*, std::size_t) {}
inline void writes(void*, std::size_t) {}
#endif

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
  void leave_for([[maybe_unused]] fiber_identity& next) {
#if defined(ASSAY_HOST_THREAD_SANITIZER)
    if (!owned_) thread_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(next.thread_, 1 /* the switch itself orders nothing */);
#endif
#if defined(ASSAY_HOST_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(&fake_stack_, next.bottom_, next.bytes_);
#endif
  }

  // Just after the switch, on the stack that is entered.
  void arrive_from([[maybe_unused]] fiber_identity& previous) {
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
