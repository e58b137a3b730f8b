#include "optimized/simt/emulator/launch.hpp"

#include "optimized/simt/emulator/assert.hpp"
#include "optimized/simt/emulator/deferred_queue.hpp"
#include "optimized/simt/emulator/host_sanitizers.hpp"
#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"
#include "optimized/simt/emulator/workers.hpp"
#include "optimized/simt/shared.cuh"
#include "optimized/simt/this_backend.hpp"

#include <cxxabi.h>

#include <dlfcn.h>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// CUDA's limits for compute capability 8.0 to 9.0 (Programming Guide, Technical Specifications).
void check(const launch_description& launch) {
  const auto refuse = [&](const std::string& what, const std::string& expected) {
    throw error("launch of " + kernel_name(launch.kernel), what, expected);
  };
  const dim3 b = launch.block;
  const dim3 g = launch.grid;
  if (b.x == 0 || b.y == 0 || b.z == 0) refuse("block of " + text_of(b), "at least one thread");
  if (g.x == 0 || g.y == 0 || g.z == 0) refuse("grid of " + text_of(g), "at least one block");
  if (b.x > 1024 || b.y > 1024 || b.z > 64 || std::uint64_t{b.x} * b.y * b.z > k_most_threads) {
    refuse("block of " + text_of(b), "at most 1024 threads, and at most (1024,1024,64)");
  }
  if (g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535) {
    refuse("grid of " + text_of(g), "at most (2147483647,65535,65535)");
  }
  if (launch.dynamic_shared_bytes > k_shared_bytes) {
    refuse(std::to_string(launch.dynamic_shared_bytes) + " bytes of dynamic shared memory",
           "at most " + std::to_string(k_shared_bytes));
  }
}

// What the workers of one launch share.
struct progress {
  std::atomic<std::uint64_t> next;
  std::uint64_t end;
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::uint64_t faulty_block = ~std::uint64_t{0};
  std::string fault;
};

// A block looks at the clock only after very many switches between threads.
bool is_late(const launch_description& launch) {
  return launch.options.time_limit_seconds > 0 &&
         std::chrono::steady_clock::now() >= launch.deadline;
}

void work_on(const launch_description& launch, progress& shared) {
  thread_local const auto b = std::make_unique<block>();
  const auto note = [&](std::uint64_t number, std::string fault) {
    shared.stop = true;
    const std::lock_guard lock(shared.mutex);
    if (number >= shared.faulty_block) return;
    shared.faulty_block = number;
    shared.fault = std::move(fault);
  };
  try {
    begin_launch(*b, launch);
    while (!shared.stop) {
      const std::uint64_t number = shared.next++;
      if (number >= shared.end) break;
      if (is_late(launch)) {
        note(number, fmt::format("the time limit of {} s was reached before block {} of {}",
                                 launch.options.time_limit_seconds, number, shared.end));
        break;
      }
      run_block(*b, number);
      if (!b->fault.empty()) note(number, b->fault);
    }
  } catch (const std::exception& e) {  // memory, or stacks, for another worker
    note(0, e.what());
  }
}

unsigned workers_for(const launch_description& launch, std::uint64_t blocks) {
#if defined(ASSAY_SANITIZED)
  static_cast<void>(launch);
  static_cast<void>(blocks);
  return 1;  // findings and knowledge of who did what come in the order of the blocks
#else
  if (launch.options.blocks_in_order) return 1;
  // The default stops here: each worker may need the stacks of 1024 threads, and the system counts
  // their mappings (vm.max_map_count).
  constexpr unsigned k_most_workers = 24;
  const unsigned wanted =
      launch.options.workers != 0 ? launch.options.workers : std::min(core_count(), k_most_workers);
  return static_cast<unsigned>(std::min<std::uint64_t>(wanted, blocks));
#endif
}

void run(launch_description& launch) {
  using clock = std::chrono::steady_clock;
  const double limit = launch.options.time_limit_seconds;
  launch.deadline = limit > 0 ? clock::now() + std::chrono::duration_cast<clock::duration>(
                                                   std::chrono::duration<double>(limit))
                              : clock::time_point::max();
  const std::uint64_t total = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  progress shared;
  const block_range& blocks = launch.options.blocks;
  shared.end = std::min(total, blocks.last);
  shared.next = std::max(blocks.first, shared.end - std::min(shared.end, blocks.at_most));
  if (shared.next >= shared.end) return;
  observe::launch_begins(launch);
  run_on_workers(workers_for(launch, shared.end - shared.next), [&] {
    const host_sanitizers::held_interrupts held;
    work_on(launch, shared);
  });
  if (!shared.fault.empty()) throw error("kernel " + kernel_name(launch.kernel), shared.fault);
}

}  // namespace

void enqueue(queue& stream, launch_description launch) {
  auto* deferred = dynamic_cast<deferred_queue*>(&stream);
  if (deferred == nullptr || stream.place().build() != k_this_build) {
    throw error("launch of " + kernel_name(launch.kernel),
                fmt::format("it was built for {}, the stream is on the {}", name_of(k_this_build),
                            stream.place().name()));
  }
  check(launch);
  static const assertion_handler handler(fail_assertion);
  launch.options = stream.emulate;
  deferred->push([launch = std::move(launch)]() mutable { run(launch); });
}

std::string kernel_name(const void* kernel) {
  Dl_info info{};
  if (dladdr(kernel, &info) == 0 || info.dli_sname == nullptr || info.dli_saddr != kernel) {
    return fmt::format("kernel at {}", kernel);
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> demangled(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? demangled.get() : info.dli_sname;
  // "void a::b::kernel<int>(c::d, int)": keep kernel<int>.
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (depth > 0) continue;
    if (name[i] == '(' && name.compare(i, 21, "(anonymous namespace)") != 0)
      return name.substr(begin, i - begin);
    if (name[i] == ' ' || (name[i] == ':' && i > 0 && name[i - 1] == ':')) begin = i + 1;
  }
  return name.substr(begin);
}

}  // namespace assay::simt::inline ASSAY_BUILD
