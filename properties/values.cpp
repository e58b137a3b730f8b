#include "properties/values.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace assay::properties {
namespace {

constexpr double k_infinity = std::numeric_limits<double>::infinity();
constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();

// Below its smallest normal number, 2^30, a format's values are equally far apart: here 1. Above,
// too; the largest is 2^31 - 1.
constexpr reference::format k_whole_numbers{31, 30, 30};

// fp16 as IEEE 754 lays it out: 1 sign, 5 exponent, 10 fraction bits.
double decode_fp16(std::uint32_t bits) {
  const int exponent = int(bits >> 10) & 31;
  const int fraction = int(bits & 1023);
  double magnitude = 0;
  if (exponent == 31)
    magnitude = fraction == 0 ? k_infinity : k_nan;
  else
    magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

std::uint32_t encode_fp16(double value) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (std::isnan(value)) return 0x7e00;
  if (std::isinf(value)) return sign | 0x7c00;
  if (magnitude < 0x1p-14) return sign | std::uint32_t(magnitude * 0x1p24);
  const int exponent = std::ilogb(magnitude);
  const auto significand = std::uint32_t(std::ldexp(magnitude, 10 - exponent));  // 1024 to 2047
  return sign | (std::uint32_t(exponent + 14) * 1024 + significand);
}

}  // namespace

reference::format format_of(dtype type) {
  switch (type) {
    case dtype::fp32:
      return reference::k_fp32;
    case dtype::bf16:
      return reference::k_bf16;
    case dtype::fp16:
      return reference::k_fp16;
    case dtype::fp64:
      return reference::k_fp64;
    case dtype::int32:
      return k_whole_numbers;
  }
  return reference::k_fp64;
}

double decode(dtype type, std::uint64_t bits) {
  switch (type) {
    case dtype::fp32:
      return std::bit_cast<float>(std::uint32_t(bits));
    case dtype::bf16:
      return std::bit_cast<float>(std::uint32_t(bits) << 16);
    case dtype::fp16:
      return decode_fp16(std::uint32_t(bits & 0xffff));
    case dtype::fp64:
      return std::bit_cast<double>(bits);
    case dtype::int32:
      return std::int32_t(std::uint32_t(bits));
  }
  return k_nan;
}

std::uint64_t encode(dtype type, double value) {
  if (type == dtype::fp64) return std::bit_cast<std::uint64_t>(value);
  if (type == dtype::int32) return std::uint32_t(std::int32_t(value));
  if (type == dtype::fp16) return encode_fp16(value);
  const auto bits = std::isnan(value) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(float(value));
  return type == dtype::fp32 ? bits : bits >> 16;
}

double round_to(dtype type, double value) {
  if (type == dtype::int32) return std::clamp(std::nearbyint(value), -0x1p31, 0x1p31 - 1);
  return type == dtype::fp64 ? value : reference::round(format_of(type), value);
}

std::uint64_t load_bits(dtype type, const void* data, std::int64_t index) {
  const std::size_t size = size_of(type);
  std::uint64_t bits = 0;
  std::memcpy(&bits, static_cast<const char*>(data) + index * std::int64_t(size), size);
  return bits;
}

void store_bits(dtype type, void* data, std::int64_t index, std::uint64_t bits) {
  const std::size_t size = size_of(type);
  std::memcpy(static_cast<char*>(data) + index * std::int64_t(size), &bits, size);
}

}  // namespace assay::properties
