// Numbers of 106 bits as two doubles, for what is computed once a launch: frequencies.
//
// Products after Joldes, Muller, Popescu, "Tight and rigorous error bounds for basic building
// blocks of double-word arithmetic", ACM TOMS 44(2), 2017, algorithm 12: a relative error of 2^-104
// at most, without underflow. IEEE operations alone: the same bits everywhere.
#pragma once

#include "optimized/simt/scalar.cuh"

#include <cmath>
#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD::math {

struct double_word {
  double high = 0, low = 0;
};

// a + b exactly, |a| >= |b| (Dekker 1971).
SIMT_HOST_DEVICE double_word ordered_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

SIMT_HOST_DEVICE double_word product(const double_word& a, const double_word& b) {
  const double high = a.high * b.high;
  const double cross = fma(a.low, b.high, fma(a.high, b.low, a.low * b.low));
  return ordered_sum(high, fma(a.high, b.high, -high) + cross);
}

// a^n by squaring. What a and each product are off by, relatively, counts n times at most.
SIMT_HOST_DEVICE double_word power(double_word a, std::int64_t n) {
  double_word all{1, 0};
  for (; n > 0; n >>= 1) {
    if ((n & 1) != 0) all = product(all, a);
    a = product(a, a);
  }
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD::math
