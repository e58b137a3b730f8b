// What launchers check before they reinterpret a call's raw tensors: a wrong dtype or size is said
// here, not read out of bounds on a device.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/simt/vocabulary.cuh"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {

struct call_signature {
  const char* name;         // stands in messages
  std::size_t alike;        // so many tensors of one dtype and one number of elements,
  std::size_t scalars = 0;  // then so many of fp32 with one element
  std::size_t parameters = 0;
};

namespace detail {

inline std::string tensor_number(std::size_t i) { return "tensor " + std::to_string(i); }

// Of this dtype, with so many elements, which it lies in memory aligned to.
inline void check_tensor(const call_signature& of, const call& what, std::size_t i, dtype type,
                         std::int64_t count) {
  const tensor& t = what.tensors[i];
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

inline void check_shape(const call_signature& of, const call& what, std::size_t i,
                        const std::vector<std::int64_t>& shape) {
  const auto text = [](const std::vector<std::int64_t>& extents) {
    std::string all;
    for (std::int64_t extent : extents) all += (all.empty() ? "" : ", ") + std::to_string(extent);
    return "[" + all + "]";
  };
  if (what.tensors[i].shape != shape)
    throw simt::error(of.name, tensor_number(i) + " is " + text(what.tensors[i].shape),
                      text(shape));
}

// `by`: the component whose call it is.
inline void refuse(std::size_t tensor, const std::string& what, const std::string& expected,
                   const char* by) {
  throw simt::error(by, tensor_number(tensor) + " " + what, expected);
}

// Elements between neighbours of each dimension but the last.
inline std::vector<std::int64_t> steps_of(const call& what, std::size_t i, const char* by) {
  const tensor& t = what.tensors[i];
  std::vector<std::int64_t> steps = t.strides;
  if (steps.empty()) {
    steps.assign(t.shape.size(), 1);
    for (std::size_t d = t.shape.size() - 1; d > 0; --d) steps[d - 1] = steps[d] * t.shape[d];
  }
  if (steps.size() != t.shape.size())
    refuse(i, "has strides", "one for each of its dimensions", by);
  if (steps.back() != 1) refuse(i, "has strides", "rows whose elements are neighbours", by);
  return steps;
}

// Of a size that a kernel counts in 32 bits.
inline void check_extents(const call& what, std::size_t i, const char* by) {
  for (std::int64_t extent : what.tensors[i].shape)
    if (extent < 0 || extent > 0x7fffffff)
      refuse(i, "has an extent of " + std::to_string(extent), "0 to 2^31 - 1", by);
}

inline void check_rank(const call& what, std::size_t i, std::size_t rank, const char* by) {
  if (what.tensors[i].shape.size() != rank)
    refuse(i, "is of rank " + std::to_string(what.tensors[i].shape.size()), std::to_string(rank),
           by);
}

inline void check_alignment(const call& what, std::size_t i, const char* by) {
  const tensor& t = what.tensors[i];
  if (reinterpret_cast<std::uintptr_t>(t.data) % size_of(t.type) != 0)
    refuse(i, "lies across its elements' alignment",
           "an address divisible by " + std::to_string(size_of(t.type)), by);
}

inline void check_contiguous(const call_signature& of, const call& what, std::size_t i) {
  if (!what.tensors[i].strides.empty())
    throw simt::error(of.name, tensor_number(i) + " has strides", "a contiguous one");
}

// The dtype of one of a call's tensors, which there must be.
inline void check_floating(const call_signature& of, const call& what, std::size_t i = 0) {
  const dtype type = what.tensors[i].type;
  if (type == dtype::fp64 || is_integer(type))
    throw simt::error(of.name, "dtype " + std::string(name_of(type)), "fp32, bf16 or fp16");
}

inline void check_counts(const call_signature& of, const call& what) {
  if (what.tensors.size() != of.alike + of.scalars)
    throw simt::error(of.name, std::to_string(what.tensors.size()) + " tensors",
                      std::to_string(of.alike + of.scalars));
  if (what.parameters.size() != of.parameters)
    throw simt::error(of.name, std::to_string(what.parameters.size()) + " parameters",
                      std::to_string(of.parameters));
}

}  // namespace detail

// Throws simt::error where `what` is not a call of this signature in fp32, bf16 or fp16, on
// contiguous tensors.
inline void check_call(const call_signature& of, const call& what) {
  detail::check_counts(of, what);
  detail::check_floating(of, what);
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    const bool scalar = i >= of.alike;
    detail::check_tensor(of, what, i, scalar ? dtype::fp32 : what.tensors[0].type,
                         scalar ? 1 : what.tensors[0].elements());
    detail::check_contiguous(of, what, i);
  }
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
