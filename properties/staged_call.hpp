// The tensors of one run on a device, and the call that they make: guarded, poisoned, uploaded, and
// read back.
#pragma once

#include "optimized/launcher.hpp"
#include "properties/contract.hpp"
#include "properties/guarded.hpp"

#include <memory>
#include <string>
#include <vector>

namespace assay::properties {

using tensor_bytes = std::vector<std::byte>;

// Numbers as the bits of a tensor, and back. Every number must be a value of the dtype.
tensor_bytes encoded(dtype type, const std::vector<double>& values);
std::vector<double> decoded(dtype type, const tensor_bytes& bits);

// The bytes of a tensor's rows in memory: `count` of them, `stride` apart. A contiguous tensor is
// one row.
struct row_layout {
  std::size_t count = 1, row = 0, stride = 0;

  std::size_t extent() const { return count == 0 ? 0 : (count - 1) * stride + row; }
  // Packed rows with `gaps` between them, and such rows packed again.
  tensor_bytes spread(const tensor_bytes& packed, std::byte gaps) const;
  tensor_bytes packed(const tensor_bytes& spread) const;
  // Is any byte between the rows another than `gaps`?
  bool gap_is_written(const tensor_bytes& spread, std::byte gaps) const;
};
row_layout layout_of(const optimized::tensor& of);

class staged_call {
 public:
  // Allocates; throws simt::error where the device cannot hold the case.
  staged_call(const contract& c, const case_inputs& inputs, simt::backend& place,
              const optimized::launcher& by);

  // Uploads inputs, poisons outputs and scratch, launches, and waits. Throws simt::error for
  // whatever went wrong.
  void execute(const simt::emulation& how, std::byte poison);

  std::vector<tensor_bytes> outputs() const;
  // What the kernel touched that it had no business with; empty where nothing.
  std::string damage() const;
  const std::vector<tensor_bytes>& input_bytes() const { return input_bytes_; }

 private:
  void add(std::size_t tensor, std::size_t alignment, std::size_t slot);
  std::size_t memory_of_output(std::size_t output) const;
  void poison_output(std::size_t output, std::byte poison);
  void upload(std::size_t input, std::byte gaps);
  std::string damage_of_input(std::size_t input) const;

  const contract& contract_;
  const case_inputs& inputs_;
  simt::backend& place_;
  optimized::launcher launcher_;
  bool in_place_ = false;
  std::byte poison_{};  // of the last run; between the rows of every tensor too
  std::vector<std::unique_ptr<guarded_memory>> memory_;  // inputs, then outputs that are no input
  std::unique_ptr<guarded_memory> workspace_;
  std::vector<tensor_bytes> input_bytes_;
  optimized::call call_;
};

}  // namespace assay::properties
