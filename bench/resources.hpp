// What each kernel takes of a multiprocessor, as ptxas says: registers, spills, shared memory. The
// build keeps those reports beside its objects (tools/cmake/keep_ptxas_report).
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace assay::bench {

struct kernel_resources {
  std::int64_t registers = 0;      // a thread
  std::int64_t stack_bytes = 0;    // a thread
  std::int64_t spilled_bytes = 0;  // a thread: stores and loads
  std::int64_t shared_bytes = 0;   // a block, without what a launch asks for beyond
  bool operator==(const kernel_resources&) const = default;
};

// By the kernel's name as C++ writes it, without parameters; two that differ in those alone keep
// them.
using resource_table = std::map<std::string, kernel_resources>;

// The kernels of a report. Lines that say nothing of these are passed over.
resource_table parse_resources(const std::string& report);

// All reports under a build tree, as one text. Empty where nothing was compiled for a GPU.
std::string resource_reports(const std::string& build);

// What differs of one kernel: "registers 40 -> 64, spilled_bytes 0 -> 16"; empty where nothing
// does.
std::string difference(const kernel_resources& before, const kernel_resources& after);

}  // namespace assay::bench
