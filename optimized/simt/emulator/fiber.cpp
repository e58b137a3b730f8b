#include "optimized/simt/emulator/fiber.hpp"

#include "optimized/simt/error.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>

namespace assay::simt {
namespace {

constexpr std::size_t k_stack_bytes = std::size_t{256} << 10;
// Below each stack: wide enough that a kernel's larger local arrays do not step over it.
constexpr std::size_t k_guard_bytes = std::size_t{64} << 10;

// All stacks there have ever been, for the signal handler, which can take no lock.
struct guarded {
  std::atomic<const std::byte*> mapping;
  guarded* next;
};
std::atomic<guarded*> g_stacks{nullptr};

void remember(const std::byte* mapping) {
  for (guarded* known = g_stacks; known != nullptr; known = known->next) {
    const std::byte* none = nullptr;
    if (known->mapping.compare_exchange_strong(none, mapping)) return;
  }
  auto* added = new guarded{mapping, g_stacks};
  while (!g_stacks.compare_exchange_weak(added->next, added)) {
  }
}

void forget(const std::byte* mapping) {
  for (guarded* known = g_stacks; known != nullptr; known = known->next) {
    if (known->mapping == mapping) known->mapping = nullptr;
  }
}

bool is_in_guard(const std::byte* address) {
  for (const guarded* known = g_stacks; known != nullptr; known = known->next) {
    const std::byte* guard = known->mapping;
    if (guard != nullptr && address >= guard && address < guard + k_guard_bytes) return true;
  }
  return false;
}

std::byte* map_stack() {
  void* mapping = mmap(nullptr, k_guard_bytes + k_stack_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  // Above the guard: a mapping of its own, which the system may refuse.
  if (mapping != MAP_FAILED && mprotect(mapping, k_guard_bytes, PROT_NONE) != 0) {
    munmap(mapping, k_guard_bytes + k_stack_bytes);
    mapping = MAP_FAILED;
  }
  if (mapping == MAP_FAILED) {
    throw error("emulator",
                "the system gives no more memory mappings for the stacks of CUDA threads",
                "fewer workers, or a larger vm.max_map_count");
  }
  remember(static_cast<std::byte*>(mapping));
  return static_cast<std::byte*>(mapping);
}

}  // namespace

fiber::fiber() = default;

fiber::fiber(unsigned number, routine run)
    : run_(run), mapping_(map_stack()), colour_(std::size_t{number} * 192 % 8192) {
  restart();
}

fiber::~fiber() {
  if (mapping_ != nullptr) {
    identity_.forget();
    simt::forget(mapping_);
    munmap(mapping_, k_guard_bytes + k_stack_bytes);
  }
}

void fiber::restart() noexcept {
  identity_.forget();
  std::byte* bottom = mapping_ + k_guard_bytes;
  const std::size_t bytes = k_stack_bytes - colour_;
  identity_.begin(bottom, k_stack_bytes);
  context_ = boost::context::detail::make_fcontext(bottom + bytes, bytes,
                                                   [](boost::context::detail::transfer_t arrival) {
                                                     fiber& self = settle(arrival);
                                                     self.run_(self);
                                                   });
}

// ---- stack overflow

namespace {

thread_local whereabouts t_who = nullptr;
struct sigaction g_previous {};

void on_segmentation_fault(int signal, siginfo_t* info, void* machine_context) {
  if (is_in_guard(static_cast<const std::byte*>(info->si_addr))) {
    char text[512];
    std::size_t length = static_cast<std::size_t>(std::snprintf(
        text, sizeof text, "assay: a CUDA thread overflowed its stack of %zu KiB on the emulator: ",
        k_stack_bytes >> 10));
    if (t_who != nullptr) length += t_who(text + length, sizeof text - length - 1);
    text[length++] = '\n';
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text, length);
  } else if ((g_previous.sa_flags & SA_SIGINFO) != 0 && g_previous.sa_sigaction != nullptr) {
    g_previous.sa_sigaction(signal, info, machine_context);
    return;
  } else if (g_previous.sa_handler != SIG_DFL && g_previous.sa_handler != SIG_IGN &&
             g_previous.sa_handler != nullptr) {
    g_previous.sa_handler(signal);
    return;
  }
  struct sigaction plainly {};
  plainly.sa_handler = SIG_DFL;
  sigaction(SIGSEGV, &plainly, nullptr);  // the access is repeated, and ends the process
}

// The handler cannot run on the stack that overflowed.
struct alternate_stack {
  static constexpr std::size_t k_bytes = std::size_t{64} << 10;
  std::unique_ptr<std::byte[]> memory = std::make_unique<std::byte[]>(k_bytes);
  alternate_stack() {
    stack_t description{};
    description.ss_sp = memory.get();
    description.ss_size = k_bytes;
    sigaltstack(&description, nullptr);
  }
  ~alternate_stack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;
};

}  // namespace

void report_stack_overflow(whereabouts who) {
  thread_local const alternate_stack stack;
  t_who = who;
  static std::once_flag installed;
  std::call_once(installed, [] {
    struct sigaction handler {};
    handler.sa_sigaction = on_segmentation_fault;
    handler.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&handler.sa_mask);
    sigaction(SIGSEGV, &handler, &g_previous);
  });
}

}  // namespace assay::simt
