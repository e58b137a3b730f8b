// The element types of tensors, as both sides of the rig name them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace assay {

enum class dtype : unsigned char { fp32, bf16, fp16, fp64, int32 };

inline constexpr dtype k_dtypes[] = {dtype::fp32, dtype::bf16, dtype::fp16, dtype::fp64,
                                     dtype::int32};

constexpr std::size_t size_of(dtype type) {
  constexpr std::size_t k_sizes[] = {4, 2, 2, 8, 4};
  return k_sizes[static_cast<unsigned char>(type)];
}

// Of counts and places: no rounding is asked of them, and no bound.
constexpr bool is_integer(dtype type) { return type == dtype::int32; }

constexpr std::string_view name_of(dtype type) {
  constexpr std::string_view k_names[] = {"fp32", "bf16", "fp16", "fp64", "int32"};
  return k_names[static_cast<unsigned char>(type)];
}

constexpr std::optional<dtype> dtype_named(std::string_view name) {
  for (dtype type : k_dtypes)
    if (name_of(type) == name) return type;
  return std::nullopt;
}

}  // namespace assay
