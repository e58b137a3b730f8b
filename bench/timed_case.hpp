// A case on a backend, staged for timing: several copies of its tensors, used in turn, so that what
// is timed comes from memory and not from the cache.
#pragma once

#include "optimized/launcher.hpp"
#include "properties/contract.hpp"
#include "properties/harness.hpp"

#include <memory>
#include <string>
#include <vector>

namespace assay::bench {

// CPU seconds of this process.
double cpu_seconds();

class timed_case {
 public:
  // `id` is of an implementation that was built for the backend. The copies' tensors take at least
  // `rotation_bytes` together. Throws simt::error where they do not fit.
  timed_case(const properties::run_id& id, std::size_t rotation_bytes);

  std::size_t copies() const { return copies_.size(); }
  // On a device with a clock of its own: runs the kernel once on every copy, and returns the
  // seconds that all took together by that clock. On the emulator: runs it once, on the next copy,
  // in one thread, and returns the CPU seconds of this process: what else the machine does disturbs
  // those least.
  double run_round();
  std::size_t calls_a_round() const;
  // A verdict on what the last round left, on the first elements (all, where they are few): a fast
  // kernel that is wrong is not timed. Empty where it passed.
  std::string wrong() const;

  double bytes_a_call() const { return cost_.bytes; }
  double flops_a_call() const { return cost_.flops; }
  std::int64_t elements_a_call() const { return properties::elements_of(*contract_, id_.of); }

 private:
  struct release {
    simt::backend* place;
    void operator()(void* memory) const { place->free(memory); }
  };
  using memory = std::unique_ptr<void, release>;

  double run_on_device();
  double run_on_emulator();
  memory allocate(std::size_t bytes, const std::string& name);
  optimized::call one_copy();

  properties::run_id id_;
  const properties::contract* contract_;
  simt::backend* place_;
  const optimized::launcher* launcher_;
  properties::cost cost_;
  properties::case_inputs drawn_;
  std::vector<memory> owned_;
  std::vector<optimized::call> copies_;
  std::unique_ptr<simt::queue> stream_;
  std::unique_ptr<simt::marker> begin_, end_;
  std::size_t last_ = 0;  // the copy that ran last
};

}  // namespace assay::bench
