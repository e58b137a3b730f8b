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
  void add(const tensor_spec& spec, dtype type, std::size_t alignment, std::size_t slot);

  const contract& contract_;
  const case_inputs& inputs_;
  simt::backend& place_;
  optimized::launcher launcher_;
  bool in_place_ = false;
  std::vector<std::unique_ptr<guarded_memory>> memory_;  // inputs, then outputs that are no input
  std::unique_ptr<guarded_memory> workspace_;
  std::vector<tensor_bytes> input_bytes_;
  optimized::call call_;
};

}  // namespace assay::properties
