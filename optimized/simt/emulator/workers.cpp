#include "optimized/simt/emulator/workers.hpp"

#include <unistd.h>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace assay::simt {
namespace {

class pool {
 public:
  void run(unsigned helpers, const std::function<void()>& work) {
    {
      const std::lock_guard lock(mutex_);
      while (threads_.size() < helpers) threads_.emplace_back([this] { serve(); }).detach();
      work_ = &work;
      to_start_ = helpers;
      at_work_ = helpers;
    }
    start_.notify_all();
    work();
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return at_work_ == 0; });
    work_ = nullptr;
  }

  pid_t process() const { return process_; }

 private:
  void serve() {
    for (;;) {
      const std::function<void()>* work = nullptr;
      {
        std::unique_lock lock(mutex_);
        start_.wait(lock, [this] { return to_start_ > 0; });
        --to_start_;
        work = work_;
      }
      (*work)();
      const std::lock_guard lock(mutex_);
      if (--at_work_ == 0) finished_.notify_one();
    }
  }

  const pid_t process_ = getpid();
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable finished_;
  std::vector<std::thread> threads_;
  const std::function<void()>* work_ = nullptr;
  unsigned to_start_ = 0;
  unsigned at_work_ = 0;
};

// Threads do not survive a fork: a child process gets a pool of its own, and leaves the parent's as
// it is. Never destroyed, because its threads wait on it until the process ends.
pool& this_process_pool() {
  static pool* current = new pool;
  if (current->process() != getpid()) current = new pool;
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the parent's is left as it is
  return *current;
}

}  // namespace

unsigned core_count() {
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : cores;
}

void run_on_workers(unsigned count, const std::function<void()>& work) {
  if (count <= 1) return work();
  static std::mutex one_caller;
  const std::lock_guard lock(one_caller);
  this_process_pool().run(count - 1, work);
}

}  // namespace assay::simt
