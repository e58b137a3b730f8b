#include "optimized/simt/trap.cuh"

#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

namespace assay::simt::inline ASSAY_BUILD {
namespace {

std::string running_thread() {
  return fmt::format("in block {} thread {}", text_of(here.block->index),
                     text_of(here.thread->index));
}

}  // namespace

void fail_assertion(const char* assertion, const char* file, unsigned line) {
  if (here.thread == nullptr) return;  // no kernel of this build is running here
  give_up([&] {
    return fmt::format("assertion '{}' failed at {}:{} {}", assertion, file, line,
                       running_thread());
  });
}

void __trap(std::source_location where) {
  give_up([&] { return fmt::format("__trap() at {} {}", text_of(where), running_thread()); });
}

}  // namespace assay::simt::inline ASSAY_BUILD
