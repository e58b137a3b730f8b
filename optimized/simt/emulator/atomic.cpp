#include "optimized/simt/atomic.cuh"

#include "optimized/simt/barrier.cuh"
#include "optimized/simt/emulator/scheduler.hpp"

#include <atomic>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// A thread that has done so many atomics without giving way may be spinning on one.
constexpr unsigned k_spins = 32;

void fence(bool device_wide) {
#if !defined(__SANITIZE_THREAD__)  // which does not know fences: the atomics order enough
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  observe::fences(this_thread(), device_wide);
}

}  // namespace

void atomic_turn() {
  thread& self = this_thread();
  if (++self.spins >= k_spins) {
    yield();
  } else {
    maybe_preempt();
  }
}

bool detail::flushes_subnormals(const void* address) {
  return !this_block().arena.contains(address);
}

void __threadfence() { fence(true); }
void __threadfence_block() { fence(false); }

}  // namespace assay::simt::inline ASSAY_BUILD
