#include "optimized/simt/emulator/block.hpp"

#include <algorithm>

namespace assay::simt::inline ASSAY_BUILD {

void lay_out_threads(block& b, dim3 size) {
  b.size = size;
  b.threads = size.x * size.y * size.z;
  b.all_threads.resize(b.threads);
  b.warps.resize((b.threads + k_warp_lanes - 1) / k_warp_lanes);
  for (unsigned rank = 0; rank < b.threads; ++rank) {
    thread& t = b.all_threads[rank];
    t.index = {rank % size.x, rank / size.x % size.y, rank / (size.x * size.y)};
    t.rank = static_cast<std::uint16_t>(rank);
    t.lane = static_cast<std::uint16_t>(rank % k_warp_lanes);
    t.home = &b.warps[rank / k_warp_lanes];
  }
  for (unsigned number = 0; number < b.warps.size(); ++number) {
    warp& w = b.warps[number];
    const unsigned lanes = std::min(k_warp_lanes, b.threads - number * k_warp_lanes);
    w.number = number;
    w.lanes = &b.all_threads[number * k_warp_lanes];
    w.existing = lanes == k_warp_lanes ? ~lane_mask{0} : (lane_mask{1} << lanes) - 1;
  }
}

void reset(block& b, std::uint64_t number) {
  const auto along_x = static_cast<std::uint64_t>(b.grid.x);
  b.number = number;
  b.index = {static_cast<unsigned>(number % along_x),
             static_cast<unsigned>(number / along_x % b.grid.y),
             static_cast<unsigned>(number / along_x / b.grid.y)};
  b.live = b.threads;
  b.runnable = 0;
  for (warp& w : b.warps) {
    w.unstarted = w.existing;
    w.ready = w.exited = 0;
    w.open = 0;
    w.last_run = 0;
    b.runnable |= warp_mask{1} << w.number;
  }
  for (barrier& bar : b.barriers) {
    if (bar.arrived != 0) bar = barrier{};
  }
  b.random = schedule_random(b.launch->options.schedule, number);
  b.patience = k_patience;  // the order of threads is the block's own, whatever ran here before
  b.arena.begin_block();
  observe::block_begins(b);
}

}  // namespace assay::simt::inline ASSAY_BUILD
