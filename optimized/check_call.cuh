// What launchers check before they reinterpret a call's raw tensors: a wrong dtype or size is said
// here, not read out of bounds on a device.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/simt/vocabulary.cuh"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

struct call_signature {
  const char* name;         // stands in messages
  std::size_t alike;        // so many tensors of one dtype and one number of elements,
  std::size_t scalars = 0;  // then so many of fp32 with one element
  std::size_t parameters = 0;
};

namespace detail {

inline std::string tensor_number(std::size_t i) { return "tensor " + std::to_string(i); }

inline void check_tensor(const call_signature& of, const call& what, std::size_t i) {
  const tensor& t = what.tensors[i];
  const bool scalar = i >= of.alike;
  const dtype type = scalar ? dtype::fp32 : what.tensors[0].type;
  const std::int64_t count = scalar ? 1 : what.tensors[0].elements();
  if (t.type != type)
    throw simt::error(of.name, tensor_number(i) + " is " + std::string(name_of(t.type)),
                      std::string(name_of(type)));
  if (t.elements() != count)
    throw simt::error(of.name,
                      tensor_number(i) + " has " + std::to_string(t.elements()) + " elements",
                      std::to_string(count));
  if (reinterpret_cast<std::uintptr_t>(t.data) % size_of(t.type) != 0)
    throw simt::error(of.name, tensor_number(i) + " lies across its elements' alignment",
                      "an address divisible by " + std::to_string(size_of(t.type)));
}

}  // namespace detail

// Throws simt::error where `what` is not a call of this signature in fp32, bf16 or fp16.
inline void check_call(const call_signature& of, const call& what) {
  if (what.tensors.size() != of.alike + of.scalars)
    throw simt::error(of.name, std::to_string(what.tensors.size()) + " tensors",
                      std::to_string(of.alike + of.scalars));
  if (what.tensors[0].type == dtype::fp64)
    throw simt::error(of.name, "dtype fp64", "fp32, bf16 or fp16");
  for (std::size_t i = 0; i < what.tensors.size(); ++i) detail::check_tensor(of, what, i);
  if (what.parameters.size() != of.parameters)
    throw simt::error(of.name, std::to_string(what.parameters.size()) + " parameters",
                      std::to_string(of.parameters));
}

inline void check_workspace(const call_signature& of, const call& what, std::size_t bytes) {
  if (what.workspace_bytes < bytes)
    throw simt::error(of.name,
                      "scratch memory of " + std::to_string(what.workspace_bytes) + " bytes",
                      std::to_string(bytes));
}

// A grid of so many blocks, at least one.
inline dim3 grid_of(const call_signature& of, const call& what, std::int64_t blocks) {
  if (blocks > std::numeric_limits<std::int32_t>::max())
    throw simt::error(of.name, std::to_string(what.tensors[0].elements()) + " elements",
                      "fewer: the grid has at most 2^31 - 1 blocks");
  return dim3(unsigned(blocks > 0 ? blocks : 1));
}

}  // namespace assay::optimized::inline ASSAY_BUILD
