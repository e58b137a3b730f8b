// The safetensors file format: named tensors behind a JSON header.
//
//   8 bytes     N, the length of the header, little-endian
//   N bytes     {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//                "__metadata__": {"KEY": "TEXT", ...}}
//   the rest    the tensors' bytes; the offsets count from here, cover it, and do not overlap
//
// Reading trusts nothing: a file that is truncated, or whose header lies, gives bad_input with one
// line.
#pragma once

#include "optimized/dtype.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::properties {

struct stored_tensor {
  std::string name;
  dtype type = dtype::fp32;
  std::vector<std::int64_t> shape;  // row-major
  std::vector<std::byte> bytes;

  std::int64_t elements() const;
};

struct tensor_file {
  std::vector<stored_tensor> tensors;
  std::map<std::string, std::string> metadata;

  // Throws bad_input, with the names that there are.
  const stored_tensor& at(std::string_view name) const;
};

// From bytes already in memory; `whence` stands in error messages. Throws bad_input.
tensor_file parse_safetensors(std::string_view contents, const std::string& whence);
std::string print_safetensors(const tensor_file& file);

// From and to disk. Writing leaves a whole file or none.
tensor_file read_safetensors(const std::string& path);
void write_safetensors(const std::string& path, const tensor_file& file);

}  // namespace assay::properties
