// An element-wise function on every input there is: all 2^16 of a 16-bit dtype, all 2^32 of fp32.
//
// The inputs are taken in chunks. A chunk's kernel runs on the backend, its truth is computed and
// its elements judged on all cores; sums of chunks can be stored and taken up again, so that a run
// can be interrupted, or cut into shards for several machines.
#pragma once

#include "properties/contract.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace assay::properties {

struct exhaustive_plan {
  const contract* of = nullptr;
  const implementation* by = nullptr;
  dtype type = dtype::fp32;
  std::string backend = "emulator";
  std::uint64_t shard = 0, shards = 1;  // chunks with number % shards == shard
  unsigned threads = 0;                 // 0: one per core

  std::string name() const;  // function, implementation, dtype, backend, shard: fit for a file name
};

// What was seen of the inputs in [low, high).
struct range_summary {
  double low = 0, high = 0;
  std::int64_t inputs = 0;
  std::int64_t misrounded = 0;
  std::int64_t over = 0;     // out of bound: a correct run has none
  std::int64_t outside = 0;  // the implementation's declared domain
  std::int64_t lost = 0;     // results that are no number where the truth is one, outside too
  double worst_ulps = 0, worst_ulps_at = std::numeric_limits<double>::quiet_NaN();
  double worst_fraction = 0, worst_fraction_at = std::numeric_limits<double>::quiet_NaN();
  double first_over_at = std::numeric_limits<double>::quiet_NaN();

  void add(const range_summary& other);
};

class exhaustive_sweep {
 public:
  // Throws bad_input where the contract is not element-wise, the dtype not one of its own, or the
  // implementation states no error for it, and simt::error where the backend has no device or no
  // kernel.
  explicit exhaustive_sweep(exhaustive_plan plan);

  // Chunks of this shard, and how many are done.
  std::uint64_t chunks() const { return chunks_; }
  std::uint64_t done() const { return done_; }
  // Judges the next chunk.
  void advance();

  // NaNs first, then the finite ranges in order, then the infinities' ranges at the ends.
  const std::vector<range_summary>& ranges() const { return ranges_; }
  range_summary total() const;
  // Of a complete, unsharded run: what contradicts the implementation's stated accuracy; empty
  // where nothing does.
  std::string contradiction() const;

  // Everything that is needed to go on later; resume throws bad_input where the state is of another
  // plan.
  nlohmann::json state() const;
  void resume(const nlohmann::json& state);

 private:
  class kernel;
  void judge(std::uint64_t first_input, std::span<const std::byte> outputs, std::size_t from,
             std::size_t to, std::vector<range_summary>& into) const;
  element_bound bound_at(double x, const reference::truth& exact) const;

  exhaustive_plan plan_;
  std::vector<double> parameters_;
  reference::elementwise function_;
  std::uint64_t chunk_size_ = 0, chunks_ = 0, done_ = 0;
  std::vector<range_summary> ranges_;
  std::shared_ptr<kernel> kernel_;
};

}  // namespace assay::properties
