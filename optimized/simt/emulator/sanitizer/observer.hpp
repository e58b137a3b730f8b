// What the sanitized build keeps about threads, warps, barriers and blocks, and what it is told:
// see emulator/observer.hpp for the plain build's side of the same.
#pragma once

#include "optimized/simt/emulator/async_copies.hpp"
#include "optimized/simt/emulator/collective.hpp"
#include "optimized/simt/emulator/sanitizer/allocation.hpp"
#include "optimized/simt/emulator/sanitizer/causality.hpp"
#include "optimized/simt/emulator/sanitizer/warp_log.hpp"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

struct thread;
struct warp;
struct barrier;
struct block;
struct launch_description;

namespace observe {

class thread_state {
 public:
  stamp mine = 0;  // what an access by this thread is stamped with, the site left out
  knowledge known;

  bool has_causal() const { return causal_ != nullptr; }
  causal_state& causal() {
    if (causal_ == nullptr) causal_ = std::make_unique<causal_state>();
    return *causal_;
  }
  void begin(stamp at) {
    mine = at;
    known = {};
    causal_.reset();
  }

 private:
  std::unique_ptr<causal_state> causal_;  // few threads fence
};

struct warp_state {
  warp_log log;
};

// The lanes of a warp that have arrived at a named barrier, and where the first of them did.
struct arrival {
  std::uint32_t lanes = 0;
  std::uint32_t site = 0;
};

// Of a named barrier: what the threads that have arrived knew, and who they are, by warps.
struct barrier_state {
  knowledge gathered;
  std::array<arrival, 32> arrivals{};
};

struct block_state {
  clock_tick start = 0;  // every access of this block comes after this tick
  clock_tick base = 0;   // everything in this block before this tick is known to all its threads
  bool knows_of_others = false;  // does any thread know something of earlier blocks?
};

// A shared array: its memory, and the bounds of its rows. Parts of dynamic shared memory have
// bounds in one common memory. A thread holds an array from its declaration to the end of the
// scope.
class shared_state {
 public:
  void describe_variable(std::byte* data, std::size_t row_bytes, std::size_t rows,
                         std::source_location where);
  void describe_dynamic(std::byte* data, std::size_t bytes);
  void describe_part(const shared_state& whole, std::byte* data, std::size_t bytes);
  const extent* rows() const { return rows_.data(); }
  const extent* outside() const { return &outside_; }  // the bounds of rows that there are not
  bool hold(unsigned rank);                            // false if the thread does already
  void let_go(unsigned rank);
  void forget_accesses();

 private:
  std::unique_ptr<allocation> memory_;
  std::vector<extent> rows_;
  extent outside_;
  std::bitset<1024> holders_;
};

void launch_begins(const launch_description& launch);
void block_begins(block& b);
void block_ends(block& b);
void thread_exits(block& b, thread& t);
void deadlocks(block& b, const std::string& message);

// A thread arrives at a barrier, and perhaps goes on without waiting; the barrier opens, with LAST
// as the last to arrive, or null, because a thread exited.
void arrives(block& b, thread& t, barrier& bar, unsigned number, unsigned expected,
             std::source_location where);
void goes_on(thread& t);
void opens(block& b, barrier& bar, unsigned number, const thread* last);

// A lane calls a collective; the lanes have met; those that ARRIVED go on because another has
// exited.
void calls(warp& w, thread& t, collective kind, std::uint32_t named, std::source_location where);
void meets(block& b, warp& w, collective kind, std::uint32_t lanes);
void goes_on_without(block& b, warp& w, collective kind, std::uint32_t named,
                     std::uint32_t arrived);
void reads_absent_lane(thread& t, unsigned from, collective kind);

void fences(thread& t, bool device_wide);

// Whether the copy may be started, after filling in the addresses.
bool starts(thread& t, async_copy& copy, shared<std::byte> to, global<const std::byte> from,
            std::source_location where);
void lands(thread& t, const async_copy& copy);
// A lane's row of a matrix for ldmatrix: 16 bytes.
const std::byte* reads_row(shared<const std::byte> row, std::source_location where);

}  // namespace observe
}  // namespace assay::simt::inline ASSAY_BUILD
