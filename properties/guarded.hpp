// A tensor in device memory as the harness hands it to a kernel: between two canaries, with exactly
// the alignment that the case asks for, and poisoned where the kernel is to write.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/simt/backend.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace assay::properties {

class guarded_memory {
 public:
  // `bytes` whose address is a multiple of `alignment` and of no larger power of two up to 256.
  // `slot` tells the tensors of one call apart, so that equally misaligned tensors are not
  // misaligned alike.
  guarded_memory(simt::backend& place, std::size_t bytes, std::size_t alignment, std::size_t slot,
                 std::string name);

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  void upload(std::span<const std::byte> values);
  std::vector<std::byte> download() const;
  // Fills the tensor with `value` and, for the sanitizer, declares it not written.
  void poison(std::byte value);
  // Declares a part of what was uploaded not written, for the sanitizer.
  void declare_unwritten(std::size_t first, std::size_t bytes);
  // Empty where both canaries are as they were; else which byte of which canary was written.
  std::string damage() const;

 private:
  struct release {
    simt::backend* place;
    void operator()(std::byte* memory) const { place->free(memory); }
  };

  std::vector<std::byte> canary(std::size_t which, std::size_t count) const;

  simt::backend* place_;
  std::size_t bytes_, before_;
  std::string name_;
  std::unique_ptr<std::byte, release> memory_;
  std::byte* data_;
};

}  // namespace assay::properties
