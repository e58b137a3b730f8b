// What stands between a kernel and whoever wants to run it without knowing it: a launcher takes raw
// tensors by dtype, picks the kernel's instantiation and its grid, and puts it into a stream.
//
// Each component's .cu lists its launchers once; the list exists in every build (plain, sanitized,
// gpu), and find_launcher finds one by build.
#pragma once

#include "optimized/dtype.hpp"
#include "optimized/simt/backend.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace assay::optimized {

// A tensor in device memory: row-major and contiguous, or with its elements `strides` apart.
struct tensor {
  void* data = nullptr;
  dtype type = dtype::fp32;
  std::vector<std::int64_t> shape;
  // From one index of each dimension to the next, in elements; empty: contiguous. Only kernels that
  // say so take a tensor that has them.
  std::vector<std::int64_t> strides = {};

  std::int64_t elements() const {
    std::int64_t count = 1;
    for (std::int64_t extent : shape) count *= extent;
    return count;
  }
  // Of the memory from the first element to the last, what lies between them included.
  std::size_t bytes() const {
    std::int64_t span = elements();
    if (!strides.empty() && span > 0) {
      span = 1;
      for (std::size_t d = 0; d < shape.size(); ++d) span += (shape[d] - 1) * strides[d];
    }
    return std::size_t(span) * size_of(type);
  }
};

// One call: tensors in the order of the component's contract (inputs, then outputs), parameters in
// the contract's order, scratch memory of the size that the launcher asked for.
struct call {
  std::vector<tensor> tensors;
  std::vector<double> parameters;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

struct launcher {
  std::string_view function;  // component.variant.direction
  std::string_view implementation;
  // Queues the kernels. Throws simt::error for what it does not take: a number of tensors or
  // parameters, dtypes, sizes, too little scratch memory (check_call.cuh).
  void (*launch)(const call& what, simt::queue& stream) = nullptr;
  // Bytes of scratch memory that a call of these shapes needs; null: none.
  std::size_t (*workspace)(const call& what) = nullptr;
};

// Where a build's kernels run; null where there is no such place: no GPU, or no CUDA side in this
// program.
simt::backend* backend_of(simt::build which);

// Adds a launcher that no component of this repository brings: a user's own, from a library. Do it
// before the first look-up; spans handed out earlier end here.
void add_launcher(simt::build which, const launcher& added);

// All launchers of a build; empty for the gpu build where it was not compiled.
std::span<const launcher> launchers(simt::build which);

// The launcher of an implementation, or null.
const launcher* find_launcher(simt::build which, std::string_view function,
                              std::string_view implementation);

}  // namespace assay::optimized
