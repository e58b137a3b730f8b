// The bit patterns of a format, read and written without a type of that format.
#pragma once

#include "reference/round.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace assay::reference {

/// Bits of the exponent field: e_max = 2^(bits - 1) - 1.
constexpr int exponent_bits(const format& f) { return std::bit_width(unsigned(f.e_max)) + 1; }

/// Bits of the whole pattern: 32, 16, 16, 64.
constexpr int width(const format& f) { return exponent_bits(f) + f.precision; }

/// The number that a pattern of f stands for.
inline double decode(const format& f, std::uint64_t pattern) {
  const int fraction_bits = f.precision - 1;
  const std::uint64_t fraction = pattern & ((std::uint64_t(1) << fraction_bits) - 1);
  const int field = int(pattern >> fraction_bits & ((1u << exponent_bits(f)) - 1));
  const bool negative = (pattern >> (width(f) - 1) & 1) != 0;
  double size = 0;
  if (field == 2 * f.e_max + 1) {
    size = fraction == 0 ? k_infinity : k_nan;
  } else {
    const double significand = double(fraction) * power_of_two(-fraction_bits);
    size = field == 0 ? significand * power_of_two(f.e_min)
                      : (1 + significand) * power_of_two(field - f.e_max);
  }
  return negative ? -size : size;
}

/// The pattern of x, a value of f; any NaN gives the quiet one with an otherwise empty fraction.
inline std::uint64_t encode(const format& f, double x) {
  const int fraction_bits = f.precision - 1;
  const std::uint64_t sign = std::uint64_t(std::signbit(x)) << (width(f) - 1);
  const std::uint64_t top = std::uint64_t(2 * f.e_max + 1) << fraction_bits;
  if (is_nan(x)) return top | std::uint64_t(1) << (fraction_bits - 1);
  const double size = std::abs(x);
  if (size == k_infinity) return sign | top;
  const bool is_normal = size >= min_normal(f);
  const int e = is_normal ? exponent(size) : f.e_min;
  // In ULPs; a normal number's significand includes the implicit bit, which adds one to the field.
  const auto units = std::uint64_t(std::ldexp(size, fraction_bits - e));
  const int field = is_normal ? e + f.e_max - 1 : 0;
  return sign | ((std::uint64_t(field) << fraction_bits) + units);
}

}  // namespace assay::reference
