// Findings: merged when they are the same, bounded in number.
#pragma once

#include "optimized/simt/emulation.hpp"
#include "optimized/simt/emulator/sanitizer/sites.hpp"
#include "optimized/simt/finding.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

struct thread;
struct block;

// What is found. Two findings of the same kind and at the same places are the same.
enum class offence : std::uint8_t {
  read_out_of_bounds,
  write_out_of_bounds,
  misaligned,
  race,
  read_of_pending_copy,
  write_to_pending_copy,
  write_to_source_of_pending_copy,
  uninitialised_read,
  copy_not_waited_for,
  different_barriers,
  different_thread_counts,
  barrier_after_exit,
  partial_warp,
  caller_not_named,
  exited_lane_named,
  different_collectives,
  read_of_absent_lane,
  deadlock,
};

tool tool_of(offence what);

class reporter {
 public:
  void begin_launch(const void* kernel, const emulation& options);
  // MESSAGE is asked for only if this is news. OTHER is a second site, or 0.
  void report(offence what, const block& b, const thread& t, std::uint32_t site,
              std::uint32_t other, const site_table& sites,
              const std::function<std::string()>& message);
  std::vector<finding> take();

 private:
  using key = std::tuple<offence, const void*, std::uint32_t, std::uint32_t>;
  bool is_asked_for(offence what) const;

  const void* kernel_ = nullptr;
  sanitizer_tools tools_;
  std::string run_;
  std::size_t most_ = 0;
  std::map<key, std::size_t> known_;
  std::vector<finding> findings_;
};

}  // namespace assay::simt::inline ASSAY_BUILD
