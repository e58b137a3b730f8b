// Logarithm and power of two from additions, multiplications, divisions and integers alone: every
// machine gives the same bits, which a C library's functions do not promise. For making data; about
// 1e-15 of relative error is good enough here, and nothing is judged by these.
#pragma once

#include <bit>
#include <cstdint>

namespace assay::properties {

// ln x for finite x > 0, normal. With x = m 2^e, m in [sqrt(1/2), sqrt 2):
// ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1)/(m + 1), |s| <= 0.172.
constexpr double ieee_log(double x) {
  constexpr double k_ln2 = 0x1.62e42fefa39efp-1, k_sqrt2 = 0x1.6a09e667f3bcdp+0;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = int(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & ((1ULL << 52) - 1)) | (1023ULL << 52));
  if (m > k_sqrt2) m *= 0.5, ++exponent;
  const double s = (m - 1) / (m + 1), square = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * square + 1.0 / k;
  return exponent * k_ln2 + 2 * s * series;
}

// 2^x for -1000 <= x <= 1000: 2^n e^(f ln 2) with n an integer and |f| <= 1/2, Taylor to degree 14.
constexpr double ieee_exp2(double x) {
  constexpr double k_ln2 = 0x1.62e42fefa39efp-1;
  const auto n = std::int64_t(x < 0 ? x - 0.5 : x + 0.5);
  const double r = (x - double(n)) * k_ln2;
  double sum = 1;
  for (int k = 14; k >= 1; --k) sum = 1 + sum * r / k;
  return sum * std::bit_cast<double>(std::uint64_t(n + 1023) << 52);
}

}  // namespace assay::properties
