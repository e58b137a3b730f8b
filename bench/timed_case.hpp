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

class timed_case {
 public:
  // `id` is of an implementation that was built for the backend. The copies' tensors take at least
  // `rotation_bytes` together. Throws simt::error where they do not fit.
  timed_case(const properties::run_id& id, std::size_t rotation_bytes);

  std::size_t copies() const { return copies_.size(); }
  // Runs the kernel once on every copy. Seconds that the kernels took together: of the device's own
  // clock where it has one, else of the calling thread's.
  double run_round();
  // A verdict on what the last round left, on the first elements (all, where they are few): a fast
  // kernel that is wrong is not timed. Empty where it passed.
  std::string wrong() const;

  double bytes_a_call() const { return cost_.bytes; }
  std::int64_t elements_a_call() const { return properties::elements_of(*contract_, id_.of); }

 private:
  struct release {
    simt::backend* place;
    void operator()(void* memory) const { place->free(memory); }
  };
  using memory = std::unique_ptr<void, release>;

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
};

}  // namespace assay::bench
