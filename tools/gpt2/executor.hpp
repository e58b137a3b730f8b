// Runs the operations of a plan by kernels, on a device: every value has memory of its own there.
#pragma once

#include "optimized/device.hpp"
#include "optimized/launcher.hpp"
#include "tools/gpt2/plan.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>

namespace assay::gpt2 {

// The launcher that runs an operation; a test may give it a broken one.
using kernel_choice = std::function<optimized::launcher(const operation& of, const plan& in)>;

// The fastest kernel that takes the operation, of those whose bits are the same in every run.
// Throws bad_input where none does.
kernel_choice fastest_kernels(simt::build where);

// Where kernels run, which, and in what order the emulator takes their threads (emulation.hpp).
struct execution {
  optimized::device where;
  kernel_choice choice;
  std::uint64_t schedule = 0;
};
// The fastest kernels of a build, in its place. Throws device_absent where there is none.
execution execution_on(simt::build which, std::uint64_t schedule = 0);

struct device_absent : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class executor {
 public:
  // Allocates all values; their bytes are `bytes()`. Throws simt::error where they do not fit.
  executor(plan what, const execution& how);

  // Another plan, for the same parameters: values that it names alike, of the same size, stay what
  // they are.
  void adopt(plan next);

  const plan& of() const { return plan_; }
  std::int64_t bytes() const { return bytes_; }

  // Numbers must be of the value's dtype.
  void upload(const std::string& value, std::span<const double> numbers);
  std::vector<double> download(const std::string& value);
  // What an operand is of it.
  std::vector<double> download(const operand& part);

  // Queues it; whoever downloads waits. Operations [first, past) in their order.
  void run(std::size_t operation);
  void run(std::size_t first, std::size_t past) {
    for (std::size_t i = first; i < past; ++i) run(i);
  }
  // Queues all of them, as one piece of work that is recorded when it is first asked for: on a GPU
  // a graph.
  void replay();
  // Where operations are queued.
  optimized::stream& turn() { return stream_; }
  const std::string& implementation_of(std::size_t operation) const {
    return calls_[operation].implementation;
  }

 private:
  struct prepared {
    optimized::launcher by;
    std::string implementation;
    optimized::call what;
  };
  void allocate();
  std::byte* place_of(const std::string& value);
  optimized::tensor bound(const operand& part);
  void prepare(const operation& of);

  plan plan_;
  execution how_;
  optimized::stream stream_;
  std::map<std::string, optimized::buffer<std::byte>, std::less<>> memory_;
  std::unique_ptr<optimized::buffer<std::byte>> workspace_;
  std::vector<prepared> calls_;
  std::optional<optimized::graph> recorded_;
  std::int64_t bytes_ = 0;
};

}  // namespace assay::gpt2
