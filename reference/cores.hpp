// Work for all of the machine's cores.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <thread>
#include <vector>

namespace assay::reference {

inline int cores_here() { return std::max(1, int(std::thread::hardware_concurrency())); }

/// Calls work(i) for all i < count, each on whichever core is free next.
template <class Work>
void on_cores(std::int64_t count, int cores, const Work& work) {
  std::atomic<std::int64_t> next{0};
  const auto take = [&] {
    for (std::int64_t i; (i = next.fetch_add(1)) < count;) work(i);
  };
  std::vector<std::future<void>> others;
  for (std::int64_t w = 1; w < std::min<std::int64_t>(cores, count); ++w)
    others.push_back(std::async(std::launch::async, take));
  take();
  for (std::future<void>& each : others) each.get();
}

}  // namespace assay::reference
