// What the tests of the reference share: a generator of bits, and inputs that leave no range out.
#pragma once

#include "reference/encoding.hpp"
#include "reference/round.hpp"

#include <cstdint>
#include <vector>

namespace assay::reference::test {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): 64 bits a call, the same on every machine.
class generator {
 public:
  explicit generator(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, n).
  std::uint64_t below(std::uint64_t n) { return bits() % n; }
  /// Uniform in [low, high).
  double uniform(double low, double high) {
    return low + (high - low) * (double(bits() >> 11) * 0x1p-53);
  }
  /// Random sign and significand, exponent uniform in [low, high].
  double with_exponent(int low, int high) {
    const double significand = 1 + double(bits() >> 12) * 0x1p-52;
    const double size =
        significand * power_of_two(low + int(below(std::uint64_t(high) - std::uint64_t(low) + 1)));
    return (bits() & 1) != 0 ? -size : size;
  }

 private:
  std::uint64_t state_;
};

/// Every value of a 16-bit format: both zeros, subnormals, infinities, one NaN for each NaN
/// pattern.
inline std::vector<double> all_values(const format& f) {
  std::vector<double> result;
  for (std::uint64_t pattern = 0; pattern < (std::uint64_t(1) << width(f)); ++pattern) {
    result.push_back(decode(f, pattern));
  }
  return result;
}

/// The zeros of the four derivatives and of the second derivatives of GELU, to a few digits: about
/// them the values are small, or the functions flat.
inline constexpr double k_turning_points[] = {-0.75179152, -0.75246, -1.27846454, -1.19245,
                                              0.75179152,  0.75246,  1.27846454,  1.41421356,
                                              -1.41421356, -1.0,     1.0,         2.69894};

/// Hardest inputs known for correct rounding to fp32: found by sweeps of all 2^32.
inline constexpr double k_hard_cases[] = {0x1.6148dep-16, -0x1.a1becap-14, -0x1.f84d62p-15};

/// About 107,000 values of fp32: in every binade of either sign, subnormal ones included, both ends
/// and random ones; neighbours of the turning points; where outputs turn subnormal and vanish; the
/// hard cases with their neighbours.
inline std::vector<double> fp32_sample() {
  generator random(20240229);
  std::vector<double> result;
  const auto with_neighbours = [&](double centre, int count) {
    const auto pattern = encode(k_fp32, round(k_fp32, centre));
    for (int i = -count; i <= count; ++i)
      result.push_back(decode(k_fp32, pattern + std::uint64_t(i)));
  };
  for (std::uint64_t sign = 0; sign < 2; ++sign) {
    for (std::uint64_t field = 0; field < 255; ++field) {
      const std::uint64_t first = sign << 31 | field << 23;
      for (std::uint64_t i = 0; i < 8; ++i) {
        result.push_back(decode(k_fp32, first + i));
        result.push_back(decode(k_fp32, first + 0x7fffff - i));
      }
      for (int i = 0; i < 184; ++i) result.push_back(decode(k_fp32, first + random.below(1 << 23)));
    }
  }
  for (int i = 0; i < 3000; ++i) result.push_back(round(k_fp32, random.uniform(-16, 6)));
  for (const double x : k_turning_points) with_neighbours(x, 50);
  for (const double x : k_hard_cases) with_neighbours(x, 8);
  for (const double x :
       {-12.9, -13.0, -14.16, -14.4, -87.3, -103.9, -104.0, -108.0, 5.3, 17.0, 20.0}) {
    with_neighbours(x, 100);
  }
  return result;
}

/// About 7,000 values of fp32 which are midpoints of bf16 or fp16, or twice one, or next to either:
/// where a 16-bit output is next to a tie, since f(x) is about x on the right and x/2 close to
/// zero. Up to 32 in size: beyond, x - f(x) is too small for a proof by intervals.
inline std::vector<double> midpoint_sample() {
  generator random(20240301);
  std::vector<double> result;
  for (const format& f : {k_bf16, k_fp16}) {
    for (int i = 0; i < 600; ++i) {
      const double y = decode(f, random.below(encode(f, 8)));
      const double midpoint = (y + next_up(f, y)) / 2 * (i % 2 == 0 ? 1 : -1);
      for (const double x : {midpoint, 2 * midpoint}) {
        for (const double near : {next_down(k_fp32, x), x, next_up(k_fp32, x)})
          result.push_back(near);
      }
    }
  }
  return result;
}

}  // namespace assay::reference::test
